package payseal_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
	"github.com/payseal/payseal/bindings/go/internal/filled"
	"github.com/payseal/payseal/bindings/go/wechat/busifavor"
	"github.com/payseal/payseal/bindings/go/wechat/combine"
	"github.com/payseal/payseal/bindings/go/wechat/ecommerce"
	"github.com/payseal/payseal/bindings/go/wechat/favor"
	"github.com/payseal/payseal/bindings/go/wechat/fundapp"
	"github.com/payseal/payseal/bindings/go/wechat/merchantfund"
	"github.com/payseal/payseal/bindings/go/wechat/merchantservice"
	"github.com/payseal/payseal/bindings/go/wechat/papay"
	"github.com/payseal/payseal/bindings/go/wechat/parking"
	"github.com/payseal/payseal/bindings/go/wechat/partnerpay"
	"github.com/payseal/payseal/bindings/go/wechat/pay"
	"github.com/payseal/payseal/bindings/go/wechat/payscore"
	"github.com/payseal/payseal/bindings/go/wechat/profitsharing"
	"github.com/payseal/payseal/bindings/go/wechat/refund"
	"github.com/payseal/payseal/bindings/go/wechat/security"
	"github.com/payseal/payseal/bindings/go/wechat/transfer"
)

// plaintext is what a family has in some events: whole, and as it is read.
type plaintext struct {
	family string
	events string
	whole  any
	read   func(event *payseal.Event) (any, error)
}

func of[T any](family, events string) plaintext {
	return plaintext{family, events, filled.Of[T](), func(event *payseal.Event) (any, error) {
		model := new(T)
		err := event.Decode(model)
		return model, err
	}}
}

var plaintexts = []plaintext{
	of[pay.Transaction]("pay", "TRANSACTION.SUCCESS"),
	of[partnerpay.Transaction]("partnerpay", "TRANSACTION.SUCCESS"),
	of[partnerpay.RefundNotification]("partnerpay", "REFUND.SUCCESS REFUND.ABNORMAL REFUND.CLOSED"),
	of[combine.CombineTransaction]("combine", "TRANSACTION.SUCCESS"),
	of[refund.RefundNotification]("refund", "REFUND.SUCCESS REFUND.ABNORMAL REFUND.CLOSED"),
	of[profitsharing.ProfitSharingNotification]("profitsharing", "PROFITSHARING PROFITSHARING_RETURN"),
	of[ecommerce.RefundNotification]("ecommerce", "REFUND.SUCCESS REFUND.ABNORMAL REFUND.CLOSED"),
	of[ecommerce.ProfitSharingNotification]("ecommerce", "PROFITSHARING PROFITSHARING_RETURN"),
	of[ecommerce.WithdrawalNotification]("ecommerce", "MCHWITHDRAW.CHANGE"),
	of[ecommerce.Contract]("ecommerce", "ECOMMERCE_ENTRUST.SIGN ECOMMERCE_ENTRUST.TERMINATE"),
	of[ecommerce.CombinedDeduction]("ecommerce", "TRANSACTION.SUCCESS TRANSACTION.FAIL"),
	of[fundapp.TransferNotification]("fundapp", "MCHTRANSFER.BILL.FINISHED"),
	of[fundapp.UserAuthorization]("fundapp", "MCHTRANSFER.AUTHORIZATION.CONFIRMED MCHTRANSFER.AUTHORIZATION.CLOSED"),
	of[fundapp.QQWalletTransfer]("fundapp", "MCHTRANSFER.QQWALLETBILL.FINISHED"),
	of[transfer.BatchNotification]("transfer", "MCHTRANSFER.BATCH.FINISHED MCHTRANSFER.BATCH.CLOSED"),
	of[merchantfund.WithdrawalNotification]("merchantfund", "MCHWITHDRAW.CHANGE"),
	of[merchantservice.ComplaintNotification]("merchantservice", "COMPLAINT.CREATE COMPLAINT.STATE_CHANGE"),
	of[payscore.ServiceOrder]("payscore", "PAYSCORE.USER_CONFIRM PAYSCORE.USER_PAID"),
	of[payscore.ServiceNotification]("payscore", "PAYSCORE.USER_OPEN_SERVICE PAYSCORE.USER_CLOSE_SERVICE"),
	of[payscore.SignPlan]("payscore", "PAYSCORE.USER_SIGN_PLAN PAYSCORE.USER_CANCEL_SIGN_PLAN"),
	of[payscore.ServiceAccountApplication]("payscore", "PAYSCORE.BIND_SERVICE_ACCOUNT"),
	of[payscore.PayAfterOrder]("payscore", "PAYSCORE.USER_ACCEPTED"),
	of[favor.CouponNotification]("favor", "COUPON.USE"),
	of[busifavor.CouponNotification]("busifavor", "COUPON.SEND"),
	of[papay.ContractNotification]("papay", "PAPAY.SIGN PAPAY.TERMINATE ENTRUST.SIGN ENTRUST.TERMINATE"),
	of[papay.InsuranceContract]("papay", "INSURANCE_ENTRUST.SIGN INSURANCE_ENTRUST.TERMINATE INSURANCE_ENTRUST.RENEW"),
	of[papay.DeductionNotification]("papay", "TRANSACTION.SUCCESS TRANSACTION.FAIL"),
	of[papay.ContractReference]("papay", "ENTRUST.TERMINATE_INQUIRY ENTRUST.TERMINATE_RETENTION"),
	of[parking.Transaction]("parking", "TRANSACTION.SUCCESS TRANSACTION.FAIL TRANSACTION.PAY_BACK"),
	of[parking.ParkingNotification]("parking", "VEHICLE.ENTRANCE_STATE_CHANGE"),
	of[security.EchoNotification]("security", "SECURITY_ECHO.SUCCESS"),
}

// The sandbox tells each event, sealed and signed; the shop opens it into the model of its family.
func TestEveryKnownEventIsOpenedIntoItsModel(t *testing.T) {
	s := theSandbox(t)
	client := s.Client(t, "config.json", nil)
	events := make(chan *payseal.Event, 1)
	shop := httptest.NewServer(client.NotificationHandler(func(_ context.Context, event *payseal.Event) error {
		events <- event
		return nil
	}))
	defer shop.Close()
	for _, plaintext := range plaintexts {
		for _, name := range strings.Fields(plaintext.events) {
			t.Run(plaintext.family+" "+name, func(t *testing.T) {
				s.Control(t, "POST", "/sandbox/notifications", map[string]any{
					"event_type": name, "original_type": "test", "notify_url": shop.URL, "resource": plaintext.whole,
				})
				select {
				case event := <-events:
					read, err := plaintext.read(event)
					if err != nil || event.EventType != name || !reflect.DeepEqual(read, plaintext.whole) {
						t.Errorf("%s: %v: %+v", event.EventType, err, read)
					}
				case <-time.After(30 * time.Second):
					t.Fatal("no notification arrived")
				}
			})
		}
	}
}

func TestNoKnownEventIsLeftOut(t *testing.T) {
	type told struct {
		Family        string
		Notifications []struct{ Events []string }
	}
	var overlay struct{ Notifications []told }
	var written struct {
		Families []struct {
			Name          string
			Notifications []struct{ Events []string }
		}
	}
	for file, into := range map[string]any{"overlay/wechat-v3-notifications.json": &overlay, "wechat-v3.json": &written} {
		text, err := os.ReadFile(filepath.Join("..", "..", "catalogue", file))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, family := range written.Families {
		overlay.Notifications = append(overlay.Notifications, told{family.Name, family.Notifications})
	}
	var known, tested []string
	for _, family := range overlay.Notifications {
		for _, notification := range family.Notifications {
			for _, event := range notification.Events {
				known = append(known, family.Family+" "+event)
			}
		}
	}
	for _, plaintext := range plaintexts {
		for _, event := range strings.Fields(plaintext.events) {
			tested = append(tested, plaintext.family+" "+event)
		}
	}
	slices.Sort(known)
	slices.Sort(tested)
	if !slices.Equal(known, tested) {
		t.Errorf("known are %v\ntested are %v", known, tested)
	}
}
