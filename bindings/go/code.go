package payseal

import "fmt"

// Code says what went wrong. It is an error, so that errors.Is(err, payseal.ErrSignatureInvalid) works. Codes are never renumbered.
type Code int32

// OK is the code of success; only [Client.NotificationReply] takes it.
const OK Code = 0

// 1xx: the caller's mistake; nothing left the machine.
const (
	// ErrInvalidArgument: an argument cannot be used, for example text that is not UTF-8.
	ErrInvalidArgument Code = 101
	// ErrInvalidHandle: the client is closed.
	ErrInvalidHandle Code = 102
	// ErrInvalidState: the function does not fit the state the object is in.
	ErrInvalidState Code = 103
	// ErrConfigInvalid: a value of the configuration cannot be used; Details.Field names it.
	ErrConfigInvalid Code = 110
	// ErrConfigUnknownKey: the configuration has a key that does not exist.
	ErrConfigUnknownKey Code = 111
	// ErrConfigEmptySecret: a secret is empty or blank.
	ErrConfigEmptySecret Code = 112
	// ErrKeyInvalid: a key cannot be read.
	ErrKeyInvalid Code = 113
	// ErrKeyUnsupported: a key of a kind or size that is not accepted.
	ErrKeyUnsupported Code = 114
	// ErrKeyRole: a key in the place of another, such as a public key where the private one belongs.
	ErrKeyRole Code = 115
	// ErrKeyMismatch: certificate, serial and private key do not belong together.
	ErrKeyMismatch Code = 116
	// ErrUnknownOperation: the name is not that of an operation.
	ErrUnknownOperation Code = 120
	// ErrParamsInvalid: the parameters do not fit the operation; Details.Field names the one at fault.
	ErrParamsInvalid Code = 121
	// ErrSignerFailed: the signer given by [WithSigner] or [WithMessageSigner] failed.
	ErrSignerFailed Code = 130
	// ErrCallbackFailed: the clock or random source given by [WithClock] or [WithRandom] failed.
	ErrCallbackFailed Code = 131
	// ErrFileFailed: a file could not be written.
	ErrFileFailed Code = 132
	// ErrOrderConflict: the order or refund number is taken by one with another amount, currency, account or method.
	ErrOrderConflict Code = 140
	// ErrOrderUnknown: there is no such order, refund, event or exception.
	ErrOrderUnknown Code = 141
	// ErrOrderState: the order's state does not allow it, such as a refund of more than was paid.
	ErrOrderState Code = 142
	// ErrLeaseLost: the lease has run out and somebody else may have the work: what was to be done about it was not.
	ErrLeaseLost Code = 143
)

// 2xx: trust; what came in must not be believed.
const (
	// ErrSignatureMissing: the message has no signature.
	ErrSignatureMissing Code = 201
	// ErrSignatureInvalid: the signature does not fit the message.
	ErrSignatureInvalid Code = 202
	// ErrSignatureProbe: the provider's deliberate wrong signature ("WECHATPAY/SIGNTEST/…"); no reason for an alarm.
	ErrSignatureProbe Code = 203
	// ErrAlgorithmMismatch: the message names another algorithm than the configuration.
	ErrAlgorithmMismatch Code = 204
	// ErrHeaderInvalid: a header of the signature is missing, doubled or has a form that is not allowed.
	ErrHeaderInvalid Code = 205
	// ErrUnknownSerial: no key with the message's serial is known.
	ErrUnknownSerial Code = 206
	// ErrClockSkew: the signature is good, but its time is outside the window; Details.SkewS has the difference.
	ErrClockSkew Code = 207
	// ErrDecryptionFailed: the ciphertext cannot be opened.
	ErrDecryptionFailed Code = 208
	// ErrCertificateInvalid: a certificate is expired, not yet valid or not what it says.
	ErrCertificateInvalid Code = 209
	// ErrResponseMismatch: the answer is about something else than what was asked.
	ErrResponseMismatch Code = 210
	// ErrBodyInvalid: the body cannot be read or is too long.
	ErrBodyInvalid Code = 211
	// ErrHashMismatch: a file does not have the hash that the provider said it has.
	ErrHashMismatch Code = 212
)

// 3xx: transport.
const (
	// ErrConnectFailed: no connection.
	ErrConnectFailed Code = 301
	// ErrTLSFailed: no TLS session, for example an untrusted certificate.
	ErrTLSFailed Code = 302
	// ErrTimeout: the time is over.
	ErrTimeout Code = 303
	// ErrConnectionLost: the connection broke.
	ErrConnectionLost Code = 304
	// ErrResponseInvalid: the answer is not HTTP as it should be.
	ErrResponseInvalid Code = 305
	// ErrResponseTooLarge: the answer is longer than max_response_bytes.
	ErrResponseTooLarge Code = 306
	// ErrCircuitOpen: the host failed too often a moment ago; nothing was sent.
	ErrCircuitOpen Code = 307
	// ErrCancelled: the caller gave up.
	ErrCancelled Code = 308
)

// 4xx: the provider answered no.
const (
	// ErrProviderRejected: the provider refused; Details.ProviderCode says why.
	ErrProviderRejected Code = 401
	// ErrProviderRateLimited: too many requests.
	ErrProviderRateLimited Code = 402
	// ErrProviderUnavailable: the provider, or something in front of it, answered with a failure of its own.
	ErrProviderUnavailable Code = 403
)

// ErrInternal is a bug in payseal; as the code given to [Client.NotificationReply] it says that the program's own handling failed.
const ErrInternal Code = 501

// 6xx: the database of payments. Nothing was acknowledged, and nothing is lost; [OutcomeUnknown] is that of a commit of which nobody knows.
const (
	// ErrStoreUnavailable: the database cannot be reached, or ended the connection.
	ErrStoreUnavailable Code = 601
	// ErrStoreFull: the disk, or the database's quota, is full.
	ErrStoreFull Code = 602
	// ErrStoreReadOnly: the database may only be read.
	ErrStoreReadOnly Code = 603
	// ErrStoreLocked: others hold what is needed for longer than is waited for.
	ErrStoreLocked Code = 604
	// ErrStoreSchema: the tables are of a newer payseal, or are not payseal's.
	ErrStoreSchema Code = 605
	// ErrStoreFailed: the database failed in another way.
	ErrStoreFailed Code = 606
)

var codeNames = map[Code]string{
	OK:                     "OK",
	ErrInvalidArgument:     "INVALID_ARGUMENT",
	ErrInvalidHandle:       "INVALID_HANDLE",
	ErrInvalidState:        "INVALID_STATE",
	ErrConfigInvalid:       "CONFIG_INVALID",
	ErrConfigUnknownKey:    "CONFIG_UNKNOWN_KEY",
	ErrConfigEmptySecret:   "CONFIG_EMPTY_SECRET",
	ErrKeyInvalid:          "KEY_INVALID",
	ErrKeyUnsupported:      "KEY_UNSUPPORTED",
	ErrKeyRole:             "KEY_ROLE",
	ErrKeyMismatch:         "KEY_MISMATCH",
	ErrUnknownOperation:    "UNKNOWN_OPERATION",
	ErrParamsInvalid:       "PARAMS_INVALID",
	ErrSignerFailed:        "SIGNER_FAILED",
	ErrCallbackFailed:      "CALLBACK_FAILED",
	ErrFileFailed:          "FILE_FAILED",
	ErrOrderConflict:       "ORDER_CONFLICT",
	ErrOrderUnknown:        "ORDER_UNKNOWN",
	ErrOrderState:          "ORDER_STATE",
	ErrLeaseLost:           "LEASE_LOST",
	ErrSignatureMissing:    "SIGNATURE_MISSING",
	ErrSignatureInvalid:    "SIGNATURE_INVALID",
	ErrSignatureProbe:      "SIGNATURE_PROBE",
	ErrAlgorithmMismatch:   "ALGORITHM_MISMATCH",
	ErrHeaderInvalid:       "HEADER_INVALID",
	ErrUnknownSerial:       "UNKNOWN_SERIAL",
	ErrClockSkew:           "CLOCK_SKEW",
	ErrDecryptionFailed:    "DECRYPTION_FAILED",
	ErrCertificateInvalid:  "CERTIFICATE_INVALID",
	ErrResponseMismatch:    "RESPONSE_MISMATCH",
	ErrBodyInvalid:         "BODY_INVALID",
	ErrHashMismatch:        "HASH_MISMATCH",
	ErrConnectFailed:       "CONNECT_FAILED",
	ErrTLSFailed:           "TLS_FAILED",
	ErrTimeout:             "TIMEOUT",
	ErrConnectionLost:      "CONNECTION_LOST",
	ErrResponseInvalid:     "RESPONSE_INVALID",
	ErrResponseTooLarge:    "RESPONSE_TOO_LARGE",
	ErrCircuitOpen:         "CIRCUIT_OPEN",
	ErrCancelled:           "CANCELLED",
	ErrProviderRejected:    "PROVIDER_REJECTED",
	ErrProviderRateLimited: "PROVIDER_RATE_LIMITED",
	ErrProviderUnavailable: "PROVIDER_UNAVAILABLE",
	ErrInternal:            "INTERNAL",
	ErrStoreUnavailable:    "STORE_UNAVAILABLE",
	ErrStoreFull:           "STORE_FULL",
	ErrStoreReadOnly:       "STORE_READ_ONLY",
	ErrStoreLocked:         "STORE_LOCKED",
	ErrStoreSchema:         "STORE_SCHEMA",
	ErrStoreFailed:         "STORE_FAILED",
}

// String returns the name in the C header, "SIGNATURE_INVALID".
func (c Code) String() string {
	if name, known := codeNames[c]; known {
		return name
	}
	return fmt.Sprintf("code %d", int32(c))
}

// Error returns the name with the package in front.
func (c Code) Error() string { return "payseal: " + c.String() }

// Kind returns the group the code belongs to.
func (c Code) Kind() Kind {
	switch {
	case c >= ErrConfigInvalid && c <= ErrKeyMismatch:
		return KindConfiguration
	case c >= 100 && c < 600:
		return Kind(c / 100)
	case c >= 600 && c < 700:
		return KindStore
	}
	return 0
}

// Kind groups codes by who has to act. It is an error, so that errors.Is(err, payseal.KindTrust) works.
type Kind int

const (
	// KindCaller: the call was wrong; nothing left the machine.
	KindCaller Kind = 1
	// KindTrust: what came in must not be believed.
	KindTrust Kind = 2
	// KindTransport: the network.
	KindTransport Kind = 3
	// KindProvider: the provider answered no.
	KindProvider Kind = 4
	// KindInternal: a bug in payseal.
	KindInternal Kind = 5
	// KindConfiguration: the configuration of a client was wrong.
	KindConfiguration Kind = 6
	// KindStore: the database of payments.
	KindStore Kind = 7
)

// String returns the group's name, "trust".
func (k Kind) String() string {
	switch k {
	case KindCaller:
		return "caller"
	case KindTrust:
		return "trust"
	case KindTransport:
		return "transport"
	case KindProvider:
		return "provider"
	case KindInternal:
		return "internal"
	case KindConfiguration:
		return "configuration"
	case KindStore:
		return "store"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Error returns the group's name with the package in front.
func (k Kind) Error() string { return "payseal: " + k.String() }
