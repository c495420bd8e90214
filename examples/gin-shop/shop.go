package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	ginpay "github.com/payseal/payseal/bindings/go/gin"
)

const (
	productName        = "山间清茶"
	productDescription = "一杯手作的高山绿茶"
	priceFen           = 1
)

type shop struct {
	wechat, alipay *payseal.Client
	orders         *orders
	logger         *slog.Logger
	publicURL      string // where the providers and the buyer's browser find the shop
	sandbox        string // where the page finds wx.js, outside WeChat
}

// routes returns the shop's engine; everything that is no route of its own comes from the folder page.
func (s *shop) routes(page string) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(gin.Recovery(), trace(s.logger))
	engine.GET("/api/product", s.product)
	engine.POST("/api/orders", s.createOrder)
	engine.GET("/api/orders/:id", s.showOrder)
	engine.GET("/api/orders/:id/qr", s.showQR)
	engine.POST("/notify/wechat", ginpay.NotificationHandler(s.wechat, s.notifiedByWeChat))
	engine.POST("/notify/alipay", ginpay.NotificationHandler(s.alipay, s.notifiedByAlipay))
	engine.GET("/return/alipay", s.returned)
	engine.GET("/metrics/wechat", ginpay.MetricsHandler(s.wechat))
	engine.GET("/metrics/alipay", ginpay.MetricsHandler(s.alipay))
	engine.NoRoute(gin.WrapH(http.FileServer(http.Dir(page))))
	return engine
}

func (s *shop) product(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"name": productName, "description": productDescription, "price_fen": priceFen, "sandbox": s.sandbox})
}

func (s *shop) createOrder(c *gin.Context) {
	var asked struct {
		Method string `json:"method" binding:"required,oneof=native jsapi precreate page"`
	}
	if err := c.ShouldBindJSON(&asked); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": `method must be "native", "jsapi", "precreate" or "page"`})
		return
	}
	created := s.orders.create(asked.Method, priceFen)
	view := gin.H{"id": created.ID, "state": created.State, "amount_fen": created.AmountFen, "method": created.Method, "code_url": nil, "invoke": nil, "pay_url": nil}
	ctx := c.Request.Context()
	var err error
	switch asked.Method {
	case "native":
		view["code_url"], err = s.native(ctx, created)
	case "jsapi":
		view["invoke"], err = s.jsapi(ctx, created)
	case "precreate":
		view["code_url"], err = s.precreate(ctx, created)
	case "page":
		view["pay_url"], err = s.pagePay(created)
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	c.JSON(http.StatusCreated, view)
}

// refuse tells the page that the provider gave no order. Here an unknown outcome does no harm: without a QR code nobody pays.
func (s *shop) refuse(c *gin.Context, err error) {
	_ = c.Error(err)
	view := gin.H{"error": "the provider did not take the order, please try again"}
	var failed *payseal.Error
	if errors.As(err, &failed) {
		view["outcome"] = failed.Outcome.String()
	}
	c.JSON(http.StatusBadGateway, view)
}

func (s *shop) showOrder(c *gin.Context) {
	found, exists := s.orders.get(c.Param("id"))
	if !exists {
		c.JSON(http.StatusNotFound, gin.H{"error": "there is no such order"})
		return
	}
	view := gin.H{"id": found.ID, "state": found.State, "amount_fen": found.AmountFen, "method": found.Method, "transaction_id": nil, "paid_at": nil}
	if found.State == paid {
		view["transaction_id"], view["paid_at"] = found.TransactionID, found.PaidAt
	}
	c.JSON(http.StatusOK, view)
}

func (s *shop) showQR(c *gin.Context) {
	found, exists := s.orders.get(c.Param("id"))
	if !exists || found.CodeURL == "" {
		c.JSON(http.StatusNotFound, gin.H{"error": "there is no such order, or it has no QR code"})
		return
	}
	svg, err := qrSVG(found.CodeURL)
	if err != nil {
		_ = c.Error(err)
		c.JSON(http.StatusInternalServerError, gin.H{"error": "the QR code could not be drawn"})
		return
	}
	c.Data(http.StatusOK, "image/svg+xml", svg)
}

// settle is told of a payment by notifications and by answers, of one payment any number of times. Only the first changes the order.
func (s *shop) settle(ctx context.Context, id, transactionID, paidAt string, amountFen int64) error {
	first, err := s.orders.markPaid(id, transactionID, paidAt, amountFen)
	if first {
		s.logger.InfoContext(ctx, "order paid", "out_trade_no", id, "transaction_id", transactionID)
	}
	return err
}
