package payseal

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Option adjusts a client beyond its [Config].
type Option func(*settings)

type settings struct {
	http          *http.Client
	logger        *slog.Logger
	clock         func() time.Time
	random        io.Reader
	sign          func(message []byte) ([]byte, error)
	cache         Cache
	calls         limit
	notifications limit
	err           error
}

// WithHTTPClient sends requests through client in place of the built-in transport. Signing, retries, failover and the deadline stay
// with the library, so both behave alike. Redirects are not followed and cookies not kept, whatever client says; its Transport decides
// about connections, TLS and proxies, so that hosts, connect timeouts, proxy and root certificates of the [Config] do not apply.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) {
		if client == nil {
			s.err = &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "WithHTTPClient needs a client; http.DefaultClient is one"}
			return
		}
		s.http = exactClient(client)
	}
}

// WithLogger sends the library's log records to logger. They hold no secret and no body.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) { s.logger = logger }
}

// WithClock replaces the system clock. now must be safe for concurrent use.
func WithClock(now func() time.Time) Option {
	return func(s *settings) { s.clock = now }
}

// WithRandom replaces the random source from which nonces are made, so that published vectors can be replayed. random must be safe for
// concurrent use, and in production it must be unpredictable.
func WithRandom(random io.Reader) Option {
	return func(s *settings) { s.random = random }
}

// WithSigner keeps the merchant's private key out of the process, for example in an HSM or a KMS. signer's public key must be RSA; it is
// asked for PKCS #1 v1.5 signatures over SHA-256 digests and must be safe for concurrent use. [Config.PrivateKey] then stays empty.
func WithSigner(signer crypto.Signer) Option {
	return func(s *settings) {
		if signer == nil {
			s.err = &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "WithSigner needs a signer"}
			return
		}
		if _, isRSA := signer.Public().(*rsa.PublicKey); !isRSA {
			s.err = &Error{Code: ErrKeyUnsupported, Outcome: OutcomeNotSent, Message: "the signer's public key is not an RSA key"}
			return
		}
		s.sign = func(message []byte) ([]byte, error) {
			digest := sha256.Sum256(message)
			return signer.Sign(rand.Reader, digest[:], crypto.SHA256)
		}
	}
}

// WithMessageSigner is [WithSigner] for keys that [crypto.Signer] has no place for: sign gets the message itself. It must sign with the
// algorithm of [Config.Scheme], for [SchemeSM2] SM2 with SM3, user id 1234567812345678, in DER; and be safe for concurrent use.
func WithMessageSigner(sign func(message []byte) ([]byte, error)) Option {
	return func(s *settings) {
		if sign == nil {
			s.err = &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "WithMessageSigner needs a function"}
			return
		}
		s.sign = sign
	}
}

// WithCache lends the client a cache for tokens, which all processes of a service may share. Only a client of [Weixin] uses one; without it, it keeps
// them itself.
func WithCache(cache Cache) Option {
	return func(s *settings) {
		if cache == nil {
			s.err = &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "WithCache needs a cache"}
			return
		}
		s.cache = cache
	}
}

// WithMaxBlockingCalls gives the client bounds of its own, in place of the process's [DefaultMaxBlockingCalls]: n calls and n
// notifications may block at once. n must be positive. It has no effect together with [WithHTTPClient], whose calls block no thread.
func WithMaxBlockingCalls(n int) Option {
	return func(s *settings) {
		if n < 1 {
			s.err = &Error{Code: ErrInvalidArgument, Outcome: OutcomeNotSent, Message: "WithMaxBlockingCalls needs a positive number"}
			return
		}
		s.calls, s.notifications = newLimit(n), newLimit(n)
	}
}
