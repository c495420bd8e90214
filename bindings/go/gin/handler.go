// Package ginpay serves payseal's notifications and metrics from a Gin engine.
//
//	router.POST("/notify/wechat", ginpay.NotificationHandler(client, func(c *gin.Context, event *payseal.Event) error {
//		return orders.Apply(c, event)
//	}))
//
// or, where package payments keeps the orders,
//
//	router.POST("/notify/wechat", ginpay.AcceptHandler(p, "wechat"))
package ginpay

import (
	"net/http"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/payments"
)

// NotificationHandler serves the address that the provider sends notifications to. It opens each one from the raw bytes of its body, calls
// handle with the verified event and writes the reply the provider expects: success where handle returns nil, otherwise a failure, so that
// the provider sends the notification again. What is not the provider's never reaches handle, which writes nothing itself. The provider
// waits five seconds for the reply.
//
// Errors, those of handle included, are added to [gin.Context.Errors] for middleware to log.
//
// A middleware that ran before may have read the body through [gin.Context.ShouldBindBodyWith], which keeps the bytes; one that read it
// otherwise leaves nothing to verify.
func NotificationHandler(client *payseal.Client, handle func(c *gin.Context, event *payseal.Event) error, options ...payseal.NotificationOption) gin.HandlerFunc {
	return func(c *gin.Context) {
		code := payseal.OK
		event, err := open(client, c, options)
		if err != nil {
			code = payseal.CodeOf(err)
		} else if err = handle(c, event); err != nil {
			code = payseal.ErrInternal
		}
		if err != nil {
			_ = c.Error(err)
		}
		reply, err := client.NotificationReply(code)
		if err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		c.Abort()
		if err := reply.Write(c.Writer); err != nil {
			_ = c.Error(err)
		}
	}
}

func open(client *payseal.Client, c *gin.Context, options []payseal.NotificationOption) (*payseal.Event, error) {
	if body := kept(c); body != nil {
		return client.OpenNotificationRaw(c.Request.Context(), c.Request.Header, body, options...)
	}
	return client.OpenNotification(c.Request.Context(), c.Request, options...)
}

// MetricsHandler serves the client's metrics for a Prometheus server to scrape.
func MetricsHandler(client *payseal.Client) gin.HandlerFunc {
	return gin.WrapH(client.MetricsHandler())
}

// AcceptHandler serves the address that the provider of an account sends notifications to; with an empty account that of all of them. Each one is
// taken in, as by [payments.Payments.Accept], and answered. Why one was refused is added to [gin.Context.Errors].
//
// About bodies that a middleware has read, see [NotificationHandler].
func AcceptHandler(p *payments.Payments, account string) gin.HandlerFunc {
	return func(c *gin.Context) {
		accepted, err := accept(p, account, c)
		if err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
			return
		}
		if accepted.Err != nil {
			_ = c.Error(accepted.Err)
		}
		c.Abort()
		if err := accepted.Reply.Write(c.Writer); err != nil {
			_ = c.Error(err)
		}
	}
}

func accept(p *payments.Payments, account string, c *gin.Context) (*payments.Accepted, error) {
	if body := kept(c); body != nil {
		return p.AcceptRaw(c.Request.Context(), account, c.Request.Header, body)
	}
	return p.Accept(c.Request.Context(), account, c.Request)
}

// kept is the body that a middleware has read and left for others; nil where nobody has.
func kept(c *gin.Context) []byte {
	value, _ := c.Get(gin.BodyBytesKey)
	body, _ := value.([]byte)
	return body
}
