package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	payseal "github.com/payseal/payseal/bindings/go"
)

// refuse answers with an error and says whether money may have moved. said is for people; without it the library's own message is.
func refuse(c *gin.Context, err error, said string) {
	_ = c.Error(err)
	var failed *payseal.Error
	if !errors.As(err, &failed) {
		c.JSON(http.StatusInternalServerError, gin.H{"error": "something went wrong in the shop"})
		return
	}
	c.JSON(statusOf(failed), gin.H{"error": cmp.Or(said, failed.Message), "outcome": failed.Outcome.String()})
}

func statusOf(err *payseal.Error) int {
	switch err.Code {
	case payseal.ErrOrderUnknown:
		return http.StatusNotFound
	case payseal.ErrOrderState, payseal.ErrOrderConflict:
		return http.StatusConflict
	case payseal.ErrParamsInvalid:
		return http.StatusBadRequest
	}
	if err.Code.Kind() == payseal.KindStore {
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
