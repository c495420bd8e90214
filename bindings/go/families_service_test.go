package payseal_test

import (
	"encoding/json"
	"testing"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/wechat/busifavor"
	"github.com/payseal/payseal/bindings/go/wechat/favor"
	"github.com/payseal/payseal/bindings/go/wechat/merchantmedia"
	"github.com/payseal/payseal/bindings/go/wechat/merchantservice"
	"github.com/payseal/payseal/bindings/go/wechat/papay"
	"github.com/payseal/payseal/bindings/go/wechat/parking"
	"github.com/payseal/payseal/bindings/go/wechat/partnerships"
	"github.com/payseal/payseal/bindings/go/wechat/paygift"
	"github.com/payseal/payseal/bindings/go/wechat/payscore"
)

const someStock = "9856000"

func useMerchantmedia(t *testing.T, m *merchant) {
	for name, upload := range map[string]func() (*merchantmedia.Media, error){
		"image": func() (*merchantmedia.Media, error) {
			return merchantmedia.UploadImage(t.Context(), m, "licence.png", []byte("a picture of a licence"))
		},
		"video": func() (*merchantmedia.Media, error) {
			return merchantmedia.UploadVideo(t.Context(), m, "shop.mp4", []byte("a film of a shop"))
		},
	} {
		if must(upload())(t).MediaID == "" {
			t.Errorf("no media_id of the %s", name)
		}
	}
}

func useMerchantservice(t *testing.T, m *merchant) {
	ctx, number := t.Context(), m.complaint(t)
	found := must(merchantservice.QueryComplaint(ctx, m, number))(t)
	equal(t, "complaint_id", found.ComplaintID, number)
	equal(t, "payer_phone", found.PayerPhone, "13800138000")
	m.answerSealed(t, "GET /v3/merchant-service/complaints-v2/{complaint_id}", map[string]string{"payer_phone": "13800138000"})
	listed := must(merchantservice.ListComplaints(ctx, m, &merchantservice.ListComplaintsOptions{
		BeginDate: today(), EndDate: today(), Limit: pointer[int64](5),
	}))(t)
	if len(listed.Data) == 0 || listed.Data[0].PayerPhone != "13800138000" {
		t.Errorf("%d listed", len(listed.Data))
	}
	equal(t, "limit", listed.Limit, 5)
	m.answerSealed(t, "GET /v3/merchant-service/complaints-v2", map[string]string{"data.0.payer_phone": "13800138000"})
	if err := merchantservice.Respond(ctx, m, number, &merchantservice.RespondRequest{ComplaintedMchID: m.id, ResponseContent: "新茶已寄出"}); err != nil {
		t.Error(err)
	}
}

// complaint is the number of a new one about a new paid order.
func (m *merchant) complaint(t *testing.T) string {
	t.Helper()
	var made struct {
		ComplaintID string `json:"complaint_id"`
	}
	path := "/sandbox/orders/" + m.paid(t) + "/complain"
	if err := json.Unmarshal(m.sandbox.Control(t, "POST", path, map[string]string{"phone": "13800138000"}), &made); err != nil {
		t.Fatal(err)
	}
	return made.ComplaintID
}

func usePayscore(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	order := must(payscore.CreateOrder(ctx, m, &payscore.CreateOrderRequest{
		OutOrderNo: number, ServiceID: "500001", ServiceIntroduction: "借茶具", NotifyURL: someNotifyURL,
		RiskFund:  payscore.OrderRiskFund{Name: payscore.NameDeposit, Amount: 10_000},
		TimeRange: payscore.TimeRange{StartTime: "20260101100000", EndTime: "20260102100000"},
	}))(t)
	equal(t, "out_order_no", order.OutOrderNo, number)
	equal(t, "risk_fund.amount", order.RiskFund.Amount, 10_000)
	equal(t, "time_range.start_time", order.TimeRange.StartTime, "20260101100000")
	if order.Package == "" {
		t.Error("no package")
	}
	found := must(payscore.QueryOrder(ctx, m, &payscore.QueryOrderOptions{OutOrderNo: number, ServiceID: "500001"}))(t)
	equal(t, "out_order_no", found.OutOrderNo, number)
}

func useFavor(t *testing.T, m *merchant) {
	ctx := t.Context()
	made := must(favor.CreateStock(ctx, m, &favor.CreateStockRequest{
		OutRequestNo: newOrderNumber(), BelongMerchant: m.id, StockName: "茶券", StockType: favor.StockTypeNormal,
		AvailableBeginTime: "2026-01-01T00:00:00+08:00", AvailableEndTime: "2026-02-01T00:00:00+08:00", NoCash: true,
		StockUseRule: favor.StockUseRule{MaxAmount: 10_000, MaxCoupons: 100, MaxCouponsPerUser: 1},
		CouponUseRule: favor.CouponUseRule{
			CouponAvailableTime: favor.CouponAvailableTime{AvailableTimeAfterReceive: pointer[int64](60)},
			FixedNormalCoupon:   &favor.FixedNormalCoupon{CouponAmount: 100, TransactionMinimum: 1_000},
		},
	}))(t)
	if made.StockID == "" {
		t.Error("no stock_id")
	}
	must(favor.StartStock(ctx, m, made.StockID, &favor.StartStockRequest{StockCreatorMchID: m.id}))(t)
	stock := must(favor.QueryStock(ctx, m, made.StockID, &favor.QueryStockOptions{StockCreatorMchID: m.id}))(t)
	equal(t, "stock_id", stock.StockID, made.StockID)
	equal(t, "status", stock.Status, "running")
	equal(t, "stock_creator_mchid", stock.StockCreatorMchID, m.id)
	sent := must(favor.SendCoupon(ctx, m, someOpenID, &favor.SendCouponRequest{
		AppID: m.appID, OutRequestNo: newOrderNumber(), StockCreatorMchID: m.id, StockID: made.StockID,
	}))(t)
	if sent.CouponID == "" {
		t.Error("no coupon_id")
	}
}

func useBusifavor(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	made := must(busifavor.CreateStock(ctx, m, &busifavor.CreateStockRequest{
		OutRequestNo: newOrderNumber(), BelongMerchant: m.id, StockName: "茶券", GoodsName: "茶", StockType: "NORMAL",
		CouponCodeMode: "MERCHANT_API", StockSendRule: busifavor.StockSendRule{MaxCoupons: 100, MaxCouponsPerUser: 1},
		CouponUseRule: busifavor.CouponUseRule{
			CouponAvailableTime: busifavor.CouponAvailableTime{
				AvailableBeginTime: "2026-01-01T00:00:00+08:00", AvailableEndTime: "2026-02-01T00:00:00+08:00",
			},
			FixedNormalCoupon: &busifavor.FixedNormalCoupon{DiscountAmount: 100, TransactionMinimum: 1_000}, UseMethod: "OFF_LINE",
		},
	}))(t)
	sent := must(busifavor.SendCoupon(ctx, m, &busifavor.SendCouponRequest{
		AppID: m.appID, OpenID: someOpenID, OutRequestNo: number, StockID: made.StockID, CouponCode: "TEA1",
	}))(t)
	equal(t, "out_request_no", sent.OutRequestNo, number)
	equal(t, "coupon_code", sent.CouponCode, "TEA1")
	stock := must(busifavor.QueryStock(ctx, m, made.StockID))(t)
	equal(t, "stock_id", stock.StockID, made.StockID)
	if stock.CouponUseRule == nil || stock.StockSendRule == nil {
		t.Errorf("%+v", stock)
	}
}

func usePartnerships(t *testing.T, m *merchant) {
	once := payseal.With(m, payseal.Options{IdempotencyKey: newOrderNumber()})
	built := must(partnerships.BuildPartnership(t.Context(), once, &partnerships.BuildPartnershipRequest{
		Partner:        partnerships.Partner{Type: "APPID", AppID: m.appID},
		AuthorizedData: partnerships.AuthorizedData{BusinessType: "FAVOR_STOCK", StockID: someStock},
	}))(t)
	equal(t, "partner.appid", built.Partner.AppID, m.appID)
	equal(t, "authorized_data.stock_id", built.AuthorizedData.StockID, someStock)
}

func usePaygift(t *testing.T, m *merchant) {
	ctx := t.Context()
	made := must(paygift.CreateActivity(ctx, m, &paygift.CreateActivityRequest{
		ActivityBaseInfo: paygift.ActivityBaseInfo{
			ActivityName: "新茶", ActivitySecondTitle: "明前", DeliveryPurpose: "OFF_LINE_PAY", OutRequestNo: newOrderNumber(),
			MerchantLogoURL: "https://tea.example.com/logo.png", BeginTime: "2026-01-01T00:00:00+08:00", EndTime: "2026-02-01T00:00:00+08:00",
		},
		AwardSendRule: paygift.AwardSendRule{
			TransactionAmountMinimum: 1_000, SendContent: "SINGLE_COUPON", AwardType: "BUSIFAVOR", MerchantOption: "MANUAL_INPUT_MERCHANT",
			AwardList: []paygift.Award{{StockID: someStock}}, MerchantIDList: []string{m.id},
		},
	}))(t)
	if made.ActivityID == "" {
		t.Error("no activity_id")
	}
	activity := must(paygift.QueryActivity(ctx, m, "10028001"))(t)
	equal(t, "activity_id", activity.ActivityID, "10028001")
	if activity.AwardSendRule == nil || activity.ActivityBaseInfo == nil {
		t.Errorf("%+v", activity)
	}
}

func usePapay(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	begun := must(papay.SignScheduledInMiniProgram(ctx, m, &papay.SignScheduledInMiniProgramRequest{
		AppID: m.appID, OutContractCode: number, PlanID: 12535, ContractDisplayAccount: "张三的茶", ContractNotifyURL: someNotifyURL,
		DeductSchedule: &papay.DeductSchedule{
			Description: "每月一茶", EstimatedDeductDate: "2026-02-01", EstimatedDeductAmount: papay.ScheduledAmount{Total: 3_000, Currency: "CNY"},
		},
	}))(t)
	if begun.PreEntrustwebID == "" {
		t.Errorf("%+v", begun)
	}
	m.sandbox.Control(t, "POST", "/sandbox/contracts/"+number+"/sign", map[string]any{})
	contract := must(papay.QueryContract(ctx, m, 12535, number))(t)
	equal(t, "out_contract_code", contract.OutContractCode, number)
	equal(t, "plan_id", contract.PlanID, 12535)
	deduction := must(papay.ScheduleDeduction(ctx, m, contract.ContractID, &papay.ScheduleDeductionRequest{
		AppID: m.appID, ScheduleAmount: papay.ScheduledAmount{Total: 3_000, Currency: "CNY"},
	}))(t)
	if deduction.ScheduledAmount == nil {
		t.Errorf("%+v", deduction)
	}
}

func useParking(t *testing.T, m *merchant) {
	ctx, number := t.Context(), newOrderNumber()
	service := must(parking.FindService(ctx, m, &parking.FindServiceOptions{
		AppID: m.appID, SubMchID: someSubMerchant, OpenID: someOpenID, PlateNumber: "粤B888888", PlateColor: parking.PlateColorBlue,
	}))(t)
	equal(t, "plate_number", service.PlateNumber, "粤B888888")
	equal(t, "service_state", service.ServiceState, parking.ServiceStateNormal)
	entered := must(parking.CreateParking(ctx, m, &parking.CreateParkingRequest{
		SubMchID: someSubMerchant, OutParkingNo: number, PlateNumber: "粤B888888", PlateColor: parking.PlateColorBlue, NotifyURL: someNotifyURL,
		StartTime: "2026-01-01T10:00:00+08:00", ParkingName: "茶铺停车场", FreeDuration: 1_800,
	}))(t)
	equal(t, "out_parking_no", entered.OutParkingNo, number)
	equal(t, "free_duration", entered.FreeDuration, 1_800)
}
