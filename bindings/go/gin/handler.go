// Package ginpay serves payseal's notifications and metrics from a Gin engine.
//
//	router.POST("/notify/wechat", ginpay.NotificationHandler(client, func(c *gin.Context, event *payseal.Event) error {
//		return orders.Apply(c, event)
//	}))
package ginpay

import (
	"net/http"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
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
	if kept, exists := c.Get(gin.BodyBytesKey); exists {
		if body, isBytes := kept.([]byte); isBytes {
			return client.OpenNotificationRaw(c.Request.Context(), c.Request.Header, body, options...)
		}
	}
	return client.OpenNotification(c.Request.Context(), c.Request, options...)
}

// MetricsHandler serves the client's metrics for a Prometheus server to scrape.
func MetricsHandler(client *payseal.Client) gin.HandlerFunc {
	return gin.WrapH(client.MetricsHandler())
}
