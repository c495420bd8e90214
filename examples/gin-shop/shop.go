package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	ginpay "github.com/payseal/payseal/bindings/go/gin"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
)

const (
	productName        = "山间清茶"
	productDescription = "一杯手作的高山绿茶"
	priceFen           = 1
	// A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
	demoOpenID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
)

type shop struct {
	client    *payseal.Client
	orders    *orders
	logger    *slog.Logger
	notifyURL string
	sandbox   string
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
	engine.POST("/notify/wechat", ginpay.NotificationHandler(s.client, s.notified))
	engine.GET("/metrics", ginpay.MetricsHandler(s.client))
	engine.NoRoute(gin.WrapH(http.FileServer(http.Dir(page))))
	return engine
}

func (s *shop) product(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"name": productName, "description": productDescription, "price_fen": priceFen, "sandbox": s.sandbox})
}

func (s *shop) createOrder(c *gin.Context) {
	var asked struct {
		Method string `json:"method" binding:"required,oneof=native jsapi"`
	}
	if err := c.ShouldBindJSON(&asked); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": `method must be "native" or "jsapi"`})
		return
	}
	created := s.orders.create(asked.Method, priceFen)
	view := gin.H{"id": created.ID, "state": created.State, "amount_fen": created.AmountFen, "method": created.Method, "code_url": nil, "invoke": nil}
	var err error
	if asked.Method == "native" {
		view["code_url"], err = s.prepayNative(c.Request.Context(), created)
	} else {
		view["invoke"], err = s.prepayJSAPI(c.Request.Context(), created)
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
	view := gin.H{"error": "WeChat Pay did not take the order, please try again"}
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

// notified is called with verified events only. The provider repeats an event until this returns nil, so it must be idempotent.
func (s *shop) notified(c *gin.Context, event *payseal.Event) error {
	if event.EventType != "TRANSACTION.SUCCESS" {
		return nil // a refund, say: acknowledged, this shop has no use for it
	}
	var transaction pay.Transaction
	if err := event.Decode(&transaction); err != nil {
		return err
	}
	if transaction.TradeState != "SUCCESS" || transaction.Amount == nil {
		return fmt.Errorf("order %s is %q in an event of success", transaction.OutTradeNo, transaction.TradeState)
	}
	first, err := s.orders.markPaid(transaction.OutTradeNo, transaction.TransactionID, transaction.SuccessTime, transaction.Amount.Total)
	if first {
		s.logger.InfoContext(c, "order paid", "out_trade_no", transaction.OutTradeNo, "transaction_id", transaction.TransactionID)
	}
	return err
}
