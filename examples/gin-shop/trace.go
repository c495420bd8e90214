package main

import (
	"crypto/rand"
	"log/slog"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
)

const traceHeader = "X-Trace-Id"

var acceptableTraceID = regexp.MustCompile(`^[!-~]{1,64}$`)

// trace gives every request a trace id, the caller's where it sent one, and logs the request with it. payseal's own log records of the request
// carry the same id.
func trace(logger *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		id := c.GetHeader(traceHeader)
		if !acceptableTraceID.MatchString(id) {
			id = rand.Text()
		}
		c.Request = c.Request.WithContext(payseal.ContextWithTraceID(c.Request.Context(), id))
		c.Header(traceHeader, id)
		started := time.Now()
		c.Next()
		level := slog.LevelInfo
		attributes := []slog.Attr{
			slog.String("trace_id", id), slog.String("method", c.Request.Method), slog.String("route", c.FullPath()),
			slog.Int("status", c.Writer.Status()), slog.Duration("duration", time.Since(started)),
		}
		if len(c.Errors) > 0 {
			level = slog.LevelWarn
			attributes = append(attributes, slog.Any("errors", c.Errors.Errors()))
		}
		logger.LogAttrs(c, level, "request", attributes...)
	}
}
