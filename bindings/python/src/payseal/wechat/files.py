"""Bills and receipts of WeChat Pay: each function gives the arguments of :meth:`payseal.Client.download`; and what takes uploads.

::

    with client.download(**files.trade_bill("2026-01-02")) as bill:
        bill.save("bill.csv")

Days are ``"2026-01-02"``, in Beijing.
"""

from __future__ import annotations

from typing import Any

UPLOAD_IMAGE = "POST /v3/merchant/media/upload"
"""An image of a merchant's documents, at most 2 MB; the answer has its ``media_id``."""
UPLOAD_VIDEO = "POST /v3/merchant/media/video_upload"
"""A video of a merchant's documents, at most 5 MB; the answer has its ``media_id``."""
UPLOAD_COMPLAINT_IMAGE = "POST /v3/merchant-service/images/upload"
"""An image for the answer to a complaint, at most 2 MB; the answer has its ``media_id``."""
UPLOAD_MARKETING_IMAGE = "POST /v3/marketing/favor/media/image-upload"
"""An image for coupons, at most 2 MB; the answer has its ``media_url``."""

_GZIP = {"tar_type": "GZIP"}
_SEALED = {"algorithm": "AEAD_AES_256_GCM", **_GZIP}


def trade_bill(day: str, bill_type: str = "ALL") -> dict[str, Any]:
    """The bill of a day's payments and refunds, a CSV. Bills are there from ten o'clock of the next day and for three months.

    Args:
        day: The day.
        bill_type: ``"ALL"``, ``"SUCCESS"`` or ``"REFUND"``.
    """
    return {"operation": "GET /v3/bill/tradebill", "query": {"bill_date": day, "bill_type": bill_type, **_GZIP}}


def fund_flow_bill(day: str, account: str = "BASIC") -> dict[str, Any]:
    """The bill of a day's movements of the merchant's account, a CSV.

    Args:
        day: The day.
        account: ``"BASIC"``, ``"OPERATION"`` or ``"FEES"``.
    """
    return {"operation": "GET /v3/bill/fundflowbill", "query": {"bill_date": day, "account_type": account, **_GZIP}}


def sub_merchant_fund_flow_bill(sub_mchid: str, day: str, account: str = "BASIC") -> dict[str, Any]:
    """The same of a partner's sub-merchant. It comes encrypted, and in several parts where it is long.

    Args:
        sub_mchid: The sub-merchant.
        day: The day.
        account: ``"BASIC"``, ``"OPERATION"`` or ``"FEES"``.
    """
    query = {"sub_mchid": sub_mchid, "bill_date": day, "account_type": account, **_SEALED}
    return {"operation": "GET /v3/bill/sub-merchant-fundflowbill", "query": query}


def ecommerce_fund_flow_bill(day: str, account: str = "ALL") -> dict[str, Any]:
    """The bill of all second-level merchants of an e-commerce platform. It comes encrypted.

    Args:
        day: The day.
        account: ``"ALL"``.
    """
    return {"operation": "GET /v3/ecommerce/bill/fundflowbill", "query": {"bill_date": day, "account_type": account, **_SEALED}}


def profit_sharing_bill(day: str) -> dict[str, Any]:
    """The bill of a day's profit sharing, a CSV.

    Args:
        day: The day.
    """
    return {"operation": "GET /v3/profitsharing/bills", "query": {"bill_date": day, **_GZIP}}


def transfer_receipt(out_bill_no: str) -> dict[str, Any]:
    """The electronic receipt of a merchant transfer, a PDF.

    It has been applied for by ``"POST /v3/fund-app/mch-transfer/elecsign/out-bill-no"``; the option ``wait_ms`` waits until it is
    made.

    Args:
        out_bill_no: The merchant's number of the transfer.
    """
    operation = "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}"
    return {"operation": operation, "path": {"out_bill_no": out_bill_no}}
