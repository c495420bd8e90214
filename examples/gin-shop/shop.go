package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	ginpay "github.com/payseal/payseal/bindings/go/gin"
	"github.com/payseal/payseal/bindings/go/payments"
)

const (
	productName        = "山间清茶"
	productDescription = "一杯手作的高山绿茶"
	priceFen           = 1

	// A mini-program learns its buyer's openid when the buyer logs in; this shop has one buyer.
	demoOpenID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
)

// accounts are whom the methods pay.
var accounts = map[payments.Method]string{
	payments.MethodNative: "wechat", payments.MethodJSAPI: "wechat",
	payments.MethodPrecreate: "alipay", payments.MethodPage: "alipay",
}

type shop struct {
	wechat, alipay *payseal.Client
	payments       *payments.Payments
	logger         *slog.Logger
	publicURL      string // where the providers and the buyer's browser find the shop
	sandbox        string // where the page finds wx.js, outside WeChat
}

// openShop opens the database and a client for each provider.
func openShop(settings settings, logger *slog.Logger) (_ *shop, err error) {
	s := &shop{logger: logger, publicURL: settings.publicURL}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.wechat, err = openClient(settings.wechat, logger); err != nil {
		return nil, err
	}
	if s.alipay, err = openClient(settings.alipay, logger); err != nil {
		return nil, err
	}
	if s.sandbox, err = firstHost(settings.wechat); err != nil {
		return nil, err
	}
	s.payments, err = payments.Open(payments.Config{
		Store:    settings.database,
		Accounts: []payments.Account{{Name: "wechat", Client: s.wechat}, {Name: "alipay", Client: s.alipay}},
		NotifyURLs: map[string]string{
			"wechat": s.publicURL + "/notify/wechat",
			"alipay": s.publicURL + "/notify/alipay",
		},
	}, payseal.WithLogger(logger))
	return s, err
}

func (s *shop) close() {
	if s.payments != nil {
		_ = s.payments.Close()
	}
	for _, client := range []*payseal.Client{s.wechat, s.alipay} {
		if client != nil {
			_ = client.Close()
		}
	}
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
	engine.POST("/notify/wechat", ginpay.AcceptHandler(s.payments, "wechat"))
	engine.POST("/notify/alipay", ginpay.AcceptHandler(s.payments, "alipay"))
	engine.GET("/return/alipay", s.returned)
	engine.GET("/metrics/wechat", ginpay.MetricsHandler(s.wechat))
	engine.GET("/metrics/alipay", ginpay.MetricsHandler(s.alipay))
	s.operate(engine.Group("/api/operator"))
	engine.NoRoute(gin.WrapH(http.FileServer(http.Dir(page))))
	return engine
}

// runner does the work that no request does: it takes up what the providers have told, asks about what they have not, and closes what nobody
// pays.
func (s *shop) runner() *payments.Runner {
	return &payments.Runner{Payments: s.payments, Handle: s.handle, Logger: s.logger}
}

// handle gets an event until it returns nil; then the event takes effect. A real shop ships here.
func (s *shop) handle(ctx context.Context, event *payments.Event) error {
	switch event.Kind {
	case payments.PaymentPaidEvent:
		s.logger.InfoContext(ctx, "order paid", "order_no", event.OrderNo, "transaction_id", event.Fact.TransactionID, "source", event.Source)
	case payments.ExceptionRaisedEvent:
		s.logger.WarnContext(ctx, "a person has to look", "order_no", event.OrderNo, "exception", event.Exception)
	}
	return nil
}

func (s *shop) product(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"name": productName, "description": productDescription, "price_fen": priceFen, "sandbox": s.sandbox})
}

func (s *shop) createOrder(c *gin.Context) {
	var asked struct {
		Method payments.Method `json:"method" binding:"required,oneof=native jsapi precreate page"`
	}
	if err := c.ShouldBindJSON(&asked); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": `method must be "native", "jsapi", "precreate" or "page"`})
		return
	}
	request := &payments.PayRequest{
		Account: accounts[asked.Method],
		OrderNo: time.Now().Format("060102") + rand.Text(), // 130 random bits in the 32 characters that out_trade_no allows
		Method:  asked.Method,
		Amount:  priceFen,
		Subject: productName,
	}
	switch asked.Method {
	case payments.MethodJSAPI:
		request.Payer.ID = demoOpenID
	case payments.MethodPage:
		request.ReturnURL = s.publicURL + "/return/alipay"
	}
	created, err := s.payments.Create(c.Request.Context(), request)
	if err != nil {
		refuse(c, err, "the provider did not take the order, please try again")
		return
	}
	c.JSON(http.StatusCreated, created)
}

func (s *shop) showOrder(c *gin.Context) {
	found, err := s.payments.Order(c.Request.Context(), c.Param("id"))
	if err != nil {
		refuse(c, err, "")
		return
	}
	c.JSON(http.StatusOK, found.Payment)
}

func (s *shop) showQR(c *gin.Context) {
	found, err := s.payments.Order(c.Request.Context(), c.Param("id"))
	if err != nil {
		refuse(c, err, "")
		return
	}
	if found.Client == nil || found.Client.Kind != payments.ClientQR {
		c.JSON(http.StatusNotFound, gin.H{"error": "the order has no QR code"})
		return
	}
	svg, err := payseal.QR(found.Client.CodeURL, payseal.QROptions{Format: payseal.QRSVG})
	if err != nil {
		refuse(c, err, "")
		return
	}
	c.Data(http.StatusOK, "image/svg+xml", svg)
}

// returned receives the buyer who comes back from Alipay's page. That he comes proves nothing about the money, so Alipay is asked; should it not
// answer, the notification will tell, or the runner asks again.
func (s *shop) returned(c *gin.Context) {
	back, err := s.alipay.OpenReturn(c.Request.URL.RawQuery)
	if err != nil {
		_ = c.Error(err)
		c.JSON(http.StatusBadRequest, gin.H{"error": "Alipay has not signed this return"})
		return
	}
	id := back.Fields["out_trade_no"]
	if _, err := s.payments.Query(c.Request.Context(), id); err != nil {
		_ = c.Error(err)
	}
	c.Redirect(http.StatusSeeOther, "/?order="+url.QueryEscape(id))
}
