package main

import (
	"context"
	"fmt"
	"math/big"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/alipay/trade"
)

// precreate asks Alipay for the order's QR code, to be scanned face to face. app_id comes from the client's configuration.
func (s *shop) precreate(ctx context.Context, o order) (codeURL string, err error) {
	answer, err := trade.Precreate(ctx, s.alipay, &trade.PrecreateRequest{
		OutTradeNo:  o.ID,
		TotalAmount: yuan(o.AmountFen),
		Subject:     productName,
	}, &trade.PrecreateOptions{NotifyURL: s.publicURL + "/notify/alipay"})
	if err != nil {
		return "", err
	}
	s.orders.setCodeURL(o.ID, answer.QRCode)
	return answer.QRCode, nil
}

// pagePay signs the address of Alipay's cashier page, from which the buyer comes back to [shop.returned]. Nothing is sent: the buyer's
// browser brings the order to Alipay.
func (s *shop) pagePay(o order) (payURL string, err error) {
	return trade.PagePayURL(s.alipay, &trade.PagePayRequest{
		OutTradeNo:  o.ID,
		TotalAmount: yuan(o.AmountFen),
		Subject:     productName,
		ProductCode: "FAST_INSTANT_TRADE_PAY",
	}, &trade.PagePayOptions{NotifyURL: s.publicURL + "/notify/alipay", ReturnURL: s.publicURL + "/return/alipay"})
}

// notifiedByAlipay is called with verified events only, which are of this app. Alipay repeats an event until this returns nil, so it must be
// idempotent.
func (s *shop) notifiedByAlipay(c *gin.Context, event *payseal.Event) error {
	switch event.EventType {
	case "trade_status_sync.TRADE_SUCCESS", "trade_status_sync.TRADE_FINISHED":
	default:
		return nil // an order that was closed, say: acknowledged, this shop has no use for it
	}
	var payment trade.TradeNotification
	if err := event.Decode(&payment); err != nil {
		return err
	}
	amount, err := fen(payment.TotalAmount)
	if err != nil {
		return err
	}
	return s.settle(c, payment.OutTradeNo, payment.TradeNo, payment.GmtPayment, amount)
}

// returned receives the buyer who comes back from Alipay's page. That he comes proves nothing about the money, so Alipay is asked; should it not
// answer, the notification will tell.
func (s *shop) returned(c *gin.Context) {
	back, err := s.alipay.OpenReturn(c.Request.URL.RawQuery)
	if err != nil {
		_ = c.Error(err)
		c.JSON(http.StatusBadRequest, gin.H{"error": "Alipay has not signed this return"})
		return
	}
	id := back.Fields["out_trade_no"]
	if err := s.query(c.Request.Context(), id); err != nil {
		_ = c.Error(err)
	}
	c.Redirect(http.StatusSeeOther, "/?order="+url.QueryEscape(id))
}

// query asks Alipay what became of an order.
func (s *shop) query(ctx context.Context, id string) error {
	answer, err := trade.Query(ctx, s.alipay, &trade.QueryRequest{OutTradeNo: id}, nil)
	if err != nil {
		return err
	}
	if answer.TradeStatus != "TRADE_SUCCESS" && answer.TradeStatus != "TRADE_FINISHED" {
		return nil
	}
	amount, err := fen(answer.TotalAmount)
	if err != nil {
		return err
	}
	return s.settle(ctx, answer.OutTradeNo, answer.TradeNo, answer.SendPayDate, amount)
}

// yuan writes an amount as Alipay wants it: 88.88.
func yuan(fen int64) string {
	return big.NewRat(fen, 100).FloatString(2)
}

// fen reads what Alipay wrote. payseal lets only decimals with at most two places pass.
func fen(yuan string) (int64, error) {
	amount, ok := new(big.Rat).SetString(yuan)
	if !ok {
		return 0, fmt.Errorf("%q is no amount", yuan)
	}
	amount.Mul(amount, big.NewRat(100, 1))
	if !amount.IsInt() || !amount.Num().IsInt64() {
		return 0, fmt.Errorf("%q is no amount in fen", yuan)
	}
	return amount.Num().Int64(), nil
}
