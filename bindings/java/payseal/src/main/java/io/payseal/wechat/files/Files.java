package io.payseal.wechat.files;

import io.payseal.DownloadParams;

/** The bills and receipts of WeChat Pay, for {@link io.payseal.PaysealClient#download}. Days are {@code "2026-01-02"}, in Beijing. */
public final class Files {
    private static final String GZIP = "GZIP";
    private static final String ALGORITHM = "AEAD_AES_256_GCM";

    private Files() {}

    /**
     * The bill of a day's payments and refunds, a CSV. Bills are there from ten o'clock of the next day and for three months.
     *
     * @param day the day
     * @param billType {@code "ALL"}, {@code "SUCCESS"} or {@code "REFUND"}
     * @return a builder
     */
    public static DownloadParams.Builder tradeBill(String day, String billType) {
        return DownloadParams.ofOperation("GET /v3/bill/tradebill")
                .query("bill_date", day)
                .query("bill_type", billType)
                .query("tar_type", GZIP);
    }

    /**
     * The bill of a day's movements of the merchant's account, a CSV.
     *
     * @param day the day
     * @param account {@code "BASIC"}, {@code "OPERATION"} or {@code "FEES"}
     * @return a builder
     */
    public static DownloadParams.Builder fundFlowBill(String day, String account) {
        return DownloadParams.ofOperation("GET /v3/bill/fundflowbill")
                .query("bill_date", day)
                .query("account_type", account)
                .query("tar_type", GZIP);
    }

    /**
     * The same of a partner's sub-merchant. It comes encrypted, and in several parts where it is long.
     *
     * @param subMchid the sub-merchant
     * @param day the day
     * @param account {@code "BASIC"}, {@code "OPERATION"} or {@code "FEES"}
     * @return a builder
     * @see <a
     *     href="https://pay.weixin.qq.com/docs/partner/apis/bill-download/sub-mch-fund-flow-bill/get-sub-mch-fund-flow-bill.html">the
     *     provider's documentation</a>
     */
    public static DownloadParams.Builder subMerchantFundFlowBill(String subMchid, String day, String account) {
        return DownloadParams.ofOperation("GET /v3/bill/sub-merchant-fundflowbill")
                .query("sub_mchid", subMchid)
                .query("bill_date", day)
                .query("account_type", account)
                .query("algorithm", ALGORITHM)
                .query("tar_type", GZIP);
    }

    /**
     * The bill of all second-level merchants of an e-commerce platform. It comes encrypted.
     *
     * @param day the day
     * @param account {@code "ALL"}
     * @return a builder
     */
    public static DownloadParams.Builder ecommerceFundFlowBill(String day, String account) {
        return DownloadParams.ofOperation("GET /v3/ecommerce/bill/fundflowbill")
                .query("bill_date", day)
                .query("account_type", account)
                .query("algorithm", ALGORITHM)
                .query("tar_type", GZIP);
    }

    /**
     * The bill of a day's profit sharing, a CSV.
     *
     * @param day the day
     * @return a builder
     */
    public static DownloadParams.Builder profitSharingBill(String day) {
        return DownloadParams.ofOperation("GET /v3/profitsharing/bills")
                .query("bill_date", day)
                .query("tar_type", GZIP);
    }

    /**
     * The electronic receipt of a merchant transfer, a PDF, which has been applied for by {@code "POST
     * /v3/fund-app/mch-transfer/elecsign/out-bill-no"}. {@link DownloadParams.Builder#waitFor} waits until it is made.
     *
     * @param outBillNo the merchant's number of the transfer
     * @return a builder
     */
    public static DownloadParams.Builder transferReceipt(String outBillNo) {
        return DownloadParams.ofOperation("GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}")
                .path("out_bill_no", outBillNo);
    }
}
