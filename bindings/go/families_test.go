package payseal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/bill"
	"github.com/payseal/payseal/bindings/go/wechat/combine"
	"github.com/payseal/payseal/bindings/go/wechat/fundapp"
	"github.com/payseal/payseal/bindings/go/wechat/merchantfund"
	"github.com/payseal/payseal/bindings/go/wechat/profitsharing"
	"github.com/payseal/payseal/bindings/go/wechat/transfer"
)

const someOpenID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"

func TestTheFamiliesThatTheSandboxPlaysAreTyped(t *testing.T) {
	var merchant string
	client := theSandbox(t).client(t, "config.json", func(config map[string]any) { merchant = config["mchid"].(string) })
	ctx := t.Context()

	t.Run("combine", func(t *testing.T) {
		number := newOrderNumber()
		part := func(number string, fen int64) combine.SubOrder {
			return combine.SubOrder{
				MchID: merchant, SubMchID: "1600000001", OutTradeNo: number, Attach: "tea", Description: "茶",
				Amount: combine.Amount{TotalAmount: fen, Currency: "CNY"},
			}
		}
		ordered, err := combine.Native(ctx, client, &combine.NativeRequest{
			CombineOutTradeNo: number, NotifyURL: someNotifyURL, SubOrders: []combine.SubOrder{part(number+"p", 60), part(number+"q", 40)},
		})
		if err != nil || !strings.HasPrefix(ordered.CodeURL, "http") {
			t.Fatalf("%+v %v", ordered, err)
		}
		found, err := combine.QueryByOutTradeNo(ctx, client, number)
		if err != nil || len(found.SubOrders) != 2 || found.SubOrders[0].OutTradeNo != number+"p" {
			t.Fatalf("%+v %v", found, err)
		}
	})
	t.Run("fundapp", func(t *testing.T) {
		number := newOrderNumber()
		made, err := fundapp.CreateTransfer(ctx, client, &fundapp.CreateTransferRequest{
			OpenID: someOpenID, OutBillNo: number, TransferAmount: 250_000, TransferRemark: "活动奖励", TransferSceneID: "1000",
			TransferSceneReportInfos: []fundapp.TransferSceneReportInfo{{InfoType: "活动名称", InfoContent: "新会员有礼"}},
			UserName:                 "张三",
		})
		if err != nil || made.State != "WAIT_USER_CONFIRM" {
			t.Fatalf("%+v %v", made, err)
		}
		found, err := fundapp.QueryTransferByOutBillNo(ctx, client, number)
		if err != nil || found.UserName != "张三" || strings.Contains(fmt.Sprintf("%+v", found), "张三") {
			t.Fatalf("%+v %v", found, err)
		}
		if _, err := fundapp.CancelTransfer(ctx, client, number); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("transfer", func(t *testing.T) {
		number := newOrderNumber()
		made, err := transfer.CreateBatch(ctx, client, &transfer.CreateBatchRequest{
			OutBatchNo: number, BatchName: "茶", BatchRemark: "茶", TotalAmount: 100, TotalNum: 1, TransferSceneID: "1000",
			TransferDetailList: []transfer.TransferDetail{{OpenID: someOpenID, OutDetailNo: number + "d", TransferAmount: 100, TransferRemark: "茶", UserName: "张三"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		found, err := transfer.QueryBatchByOutBatchNo(ctx, client, number, &transfer.QueryBatchByOutBatchNoOptions{NeedQueryDetail: pointer(false)})
		if err != nil || found.TransferBatch == nil || found.TransferBatch.BatchID != made.BatchID {
			t.Fatalf("%+v %v", found, err)
		}
	})
	t.Run("merchantfund", func(t *testing.T) {
		if balance, err := merchantfund.QueryBalance(ctx, client, "BASIC"); err != nil || balance.AvailableAmount < 0 {
			t.Fatalf("%+v %v", balance, err)
		}
	})
	t.Run("profitsharing", func(t *testing.T) {
		added, err := profitsharing.AddReceiver(ctx, client, &profitsharing.AddReceiverRequest{
			Account: someOpenID, Name: "张三", RelationType: "USER", Type: "PERSONAL_OPENID",
		})
		if err != nil || added.Account != someOpenID {
			t.Fatalf("%+v %v", added, err)
		}
	})
	t.Run("bill", func(t *testing.T) {
		if _, err := bill.TradeBill(ctx, client, &bill.TradeBillOptions{BillDate: "2001-01-01", BillType: "ALL"}); !errors.Is(err, payseal.OutcomeRejected) {
			t.Fatal(err)
		}
	})
}

func pointer[T any](value T) *T { return &value }
