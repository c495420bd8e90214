// Package files names the files that WeChat Pay hands out: bills and receipts. Each function gives the parameters of
// [payseal.Client.Download].
package files

import payseal "github.com/payseal/payseal/bindings/go"

const gzip = "GZIP"

// TradeBill is the bill of a day's payments and refunds, a CSV. day is "2006-01-02" in Beijing; bills are there from ten o'clock of the next day and
// for three months. billType is "ALL", "SUCCESS" or "REFUND".
func TradeBill(day, billType string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/bill/tradebill",
		Query:     map[string]string{"bill_date": day, "bill_type": billType, "tar_type": gzip},
	}
}

// FundFlowBill is the bill of a day's movements of the merchant's account, a CSV. account is "BASIC", "OPERATION" or "FEES".
func FundFlowBill(day, account string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/bill/fundflowbill",
		Query:     map[string]string{"bill_date": day, "account_type": account, "tar_type": gzip},
	}
}

// SubMerchantFundFlowBill is the same of a partner's sub-merchant. It comes encrypted, and in several parts where it is long.
// https://pay.weixin.qq.com/docs/partner/apis/bill-download/sub-mch-fund-flow-bill/get-sub-mch-fund-flow-bill.html
func SubMerchantFundFlowBill(subMchID, day, account string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/bill/sub-merchant-fundflowbill",
		Query: map[string]string{
			"sub_mchid": subMchID, "bill_date": day, "account_type": account, "algorithm": "AEAD_AES_256_GCM", "tar_type": gzip,
		},
	}
}

// EcommerceFundFlowBill is the bill of all second-level merchants of an e-commerce platform. It comes encrypted. account is "ALL".
func EcommerceFundFlowBill(day, account string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/ecommerce/bill/fundflowbill",
		Query:     map[string]string{"bill_date": day, "account_type": account, "algorithm": "AEAD_AES_256_GCM", "tar_type": gzip},
	}
}

// ProfitSharingBill is the bill of a day's profit sharing, a CSV.
func ProfitSharingBill(day string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/profitsharing/bills",
		Query:     map[string]string{"bill_date": day, "tar_type": gzip},
	}
}

// TransferReceipt is the electronic receipt of a merchant transfer, a PDF, which has been applied for by
// "POST /v3/fund-app/mch-transfer/elecsign/out-bill-no". Set Wait to wait until it is made.
func TransferReceipt(outBillNo string) payseal.DownloadParams {
	return payseal.DownloadParams{
		Operation: "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
		Path:      map[string]string{"out_bill_no": outBillNo},
	}
}
