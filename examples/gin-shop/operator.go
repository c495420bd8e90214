package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/payseal/payseal/bindings/go/payments"
)

// operate adds what the operator's page asks for. A real shop lets only its people here; the demo listens on loopback.
func (s *shop) operate(routes gin.IRoutes) {
	routes.GET("/stats", answer(func(c *gin.Context) (any, error) {
		return s.payments.Stats(c.Request.Context())
	}))
	routes.GET("/orders", s.listOrders)
	routes.GET("/orders/:id", answer(func(c *gin.Context) (any, error) {
		return s.payments.Order(c.Request.Context(), c.Param("id"))
	}))
	routes.POST("/orders/:id/refund", s.refund)
	routes.GET("/exceptions", answer(func(c *gin.Context) (any, error) {
		open, err := s.payments.Exceptions(c.Request.Context(), payments.ExceptionFilter{})
		return gin.H{"exceptions": open}, err
	}))
	routes.POST("/exceptions/:id/resolve", s.resolve)
	routes.GET("/dead-letters", answer(func(c *gin.Context) (any, error) {
		dead, err := s.payments.DeadLetters(c.Request.Context(), payments.Inbox, 0)
		return gin.H{"dead": dead}, err
	}))
	routes.POST("/dead-letters/:id/redrive", s.redrive)
}

// answer writes what the library says.
func answer(ask func(c *gin.Context) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		said, err := ask(c)
		if err != nil {
			refuse(c, err, "")
			return
		}
		c.JSON(http.StatusOK, said)
	}
}

// listOrders lists the newest, or with ?state= those in a state; ?before_ms= pages.
func (s *shop) listOrders(c *gin.Context) {
	filter := payments.OrderFilter{State: payments.State(c.Query("state"))}
	if given := c.Query("before_ms"); given != "" {
		before, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			wrong(c, "before_ms must be an integer")
			return
		}
		filter.Before = time.UnixMilli(before)
	}
	answer(func(c *gin.Context) (any, error) {
		orders, err := s.payments.Orders(c.Request.Context(), filter)
		return gin.H{"orders": orders}, err
	})(c)
}

// refund gives back an amount in fen; without one all that is left.
func (s *shop) refund(c *gin.Context) {
	var asked struct {
		Amount *int64 `json:"amount"`
	}
	if err := c.ShouldBindJSON(&asked); err != nil {
		wrong(c, `the body must be JSON: {"amount": fen}, or {} for all that is left`)
		return
	}
	answer(func(c *gin.Context) (any, error) {
		file, err := s.payments.Order(c.Request.Context(), c.Param("id"))
		if err != nil {
			return nil, err
		}
		order := file.Order
		amount := order.Amount - order.Refunding - order.Refunded
		if asked.Amount != nil {
			amount = *asked.Amount
		}
		return s.payments.Refund(c.Request.Context(), &payments.RefundRequest{
			OrderNo: order.OrderNo,
			// Of two who press the button at once both mean the same refund.
			RefundNo: fmt.Sprintf("%sR%d", order.OrderNo, len(file.Refunds)+1),
			Amount:   amount,
		})
	})(c)
}

func (s *shop) resolve(c *gin.Context) {
	var said payments.Resolution
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || c.ShouldBindJSON(&said) != nil {
		wrong(c, `the address names an exception, and the body must be JSON: {"note": "why", "state": "paid" or "closed", or none}`)
		return
	}
	said.ID = id
	answer(func(c *gin.Context) (any, error) {
		order, err := s.payments.Resolve(c.Request.Context(), said)
		return gin.H{"order": order}, err
	})(c)
}

func (s *shop) redrive(c *gin.Context) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		wrong(c, "the address names a dead letter")
		return
	}
	answer(func(c *gin.Context) (any, error) {
		redriven, err := s.payments.Redrive(c.Request.Context(), payments.Inbox, id)
		return gin.H{"redriven": redriven}, err
	})(c)
}

func wrong(c *gin.Context, why string) {
	c.JSON(http.StatusBadRequest, gin.H{"error": why})
}
