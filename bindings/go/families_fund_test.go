package payseal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/payseal/payseal/bindings/go/wechat/ecommerce"
	"github.com/payseal/payseal/bindings/go/wechat/fundapp"
	"github.com/payseal/payseal/bindings/go/wechat/merchantfund"
	"github.com/payseal/payseal/bindings/go/wechat/profitsharing"
	"github.com/payseal/payseal/bindings/go/wechat/transfer"
)

func useProfitsharing(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	added := must(profitsharing.AddReceiver(ctx, m, &profitsharing.AddReceiverRequest{
		Account: number, Name: "张三", RelationType: "USER", Type: "PERSONAL_OPENID",
	}))(t)
	equal(t, "account", added.Account, number)
	equal(t, "name", added.Name, "张三")
	places := map[string]string{"name": "张三"}
	m.requestSealed(t, "POST /v3/profitsharing/receivers/add", places)
	m.answerSealed(t, "POST /v3/profitsharing/receivers/add", places)
	deleted := must(profitsharing.DeleteReceiver(ctx, m, &profitsharing.DeleteReceiverRequest{Account: number, Type: "PERSONAL_OPENID"}))(t)
	equal(t, "account", deleted.Account, number)
}

func useFundapp(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	made := must(fundapp.CreateTransfer(ctx, m, &fundapp.CreateTransferRequest{
		OpenID: someOpenID, OutBillNo: number, TransferAmount: 250_000, TransferRemark: "活动奖励", TransferSceneID: "1000",
		TransferSceneReportInfos: []fundapp.TransferSceneReportInfo{{InfoType: "活动名称", InfoContent: "新会员有礼"}},
		UserName:                 "张三",
	}))(t)
	equal(t, "state", made.State, "WAIT_USER_CONFIRM")
	found := must(fundapp.QueryTransferByOutBillNo(ctx, m, number))(t)
	equal(t, "transfer_amount", found.TransferAmount, 250_000)
	equal(t, "user_name", found.UserName, "张三")
	if text := fmt.Sprintf("%+v", found); strings.Contains(text, "张三") {
		t.Errorf("what is printed has the name: %s", text)
	}
	places := map[string]string{"user_name": "张三"}
	m.requestSealed(t, "POST /v3/fund-app/mch-transfer/transfer-bills", places)
	m.answerSealed(t, "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}", places)
	equal(t, "out_bill_no", must(fundapp.CancelTransfer(ctx, m, number))(t).OutBillNo, number)
}

func useTransfer(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	detail := transfer.TransferDetail{OpenID: someOpenID, OutDetailNo: number + "d", TransferAmount: 100, TransferRemark: "茶", UserName: "张三"}
	made := must(transfer.CreateBatch(ctx, m, &transfer.CreateBatchRequest{
		OutBatchNo: number, BatchName: "茶", BatchRemark: "茶", TotalAmount: 100, TotalNum: 1, TransferSceneID: "1000",
		TransferDetailList: []transfer.TransferDetail{detail},
	}))(t)
	found := must(transfer.QueryBatchByOutBatchNo(ctx, m, number, &transfer.QueryBatchByOutBatchNoOptions{NeedQueryDetail: pointer(false)}))(t)
	equal(t, "transfer_batch.batch_id", found.TransferBatch.BatchID, made.BatchID)
	equal(t, "transfer_batch.total_amount", found.TransferBatch.TotalAmount, 100)
	single := must(transfer.QueryDetailByOutDetailNo(ctx, m, number, number+"d"))(t)
	equal(t, "transfer_amount", single.TransferAmount, 100)
	equal(t, "user_name", single.UserName, "张三")
	m.requestSealed(t, "POST /v3/transfer/batches", map[string]string{"transfer_detail_list.0.user_name": "张三"})
	m.answerSealed(t, "GET /v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}", map[string]string{"user_name": "张三"})
}

func useMerchantfund(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	balance := must(merchantfund.QueryBalance(ctx, m, "OPERATION"))(t)
	if balance.AvailableAmount < 100 {
		t.Errorf("available_amount is %d", balance.AvailableAmount)
	}
	made := must(merchantfund.CreateWithdrawal(ctx, m, &merchantfund.CreateWithdrawalRequest{
		AccountType: "OPERATION", Amount: 100, OutRequestNo: number, Remark: "茶",
	}))(t)
	found := must(merchantfund.QueryWithdrawalByOutRequestNo(ctx, m, number))(t)
	equal(t, "withdraw_id", found.WithdrawID, made.WithdrawID)
	equal(t, "amount", found.Amount, 100)
	equal(t, "remark", found.Remark, "茶")
}

func useEcommerce(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	applied := must(ecommerce.CreateApplyment(ctx, m, &ecommerce.CreateApplymentRequest{
		OutRequestNo: number, OrganizationType: "2401", MerchantShortname: "茶铺",
		IDCardInfo: &ecommerce.IDCardInfo{
			IDCardCopy: "media1", IDCardNational: "media2", IDCardName: "张三", IDCardNumber: "110101199003071234", IDCardValidTime: "2036-01-01",
		},
		AccountInfo: ecommerce.ApplymentAccountInfo{
			BankAccountType: "75", AccountBank: "工商银行", AccountName: "张三丰", AccountNumber: "6222020200112233445", BankAddressCode: "110000",
		},
		ContactInfo:    ecommerce.ApplymentContactInfo{ContactType: "65", ContactName: "李四", MobilePhone: "13900139000"},
		SalesSceneInfo: ecommerce.SalesSceneInfo{StoreName: "茶铺", StoreURL: "https://tea.example.com"},
	}))(t)
	equal(t, "out_request_no", applied.OutRequestNo, number)
	if applied.ApplymentID == 0 {
		t.Error("no applyment_id")
	}
	m.requestSealed(t, "POST /v3/ecommerce/applyments/", map[string]string{
		"id_card_info.id_card_name": "张三", "id_card_info.id_card_number": "110101199003071234",
		"account_info.account_name": "张三丰", "account_info.account_number": "6222020200112233445",
		"contact_info.contact_name": "李四", "contact_info.mobile_phone": "13900139000",
	})
	found := must(ecommerce.QueryApplymentByOutRequestNo(ctx, m, number))(t)
	equal(t, "out_request_no", found.OutRequestNo, number)
	equal(t, "applyment_state", found.ApplymentState, ecommerce.ApplymentStateFinish)
}
