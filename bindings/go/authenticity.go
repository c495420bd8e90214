package payseal

// Authenticity says what is known of who wrote a notification.
type Authenticity string

const (
	// AuthenticitySigned is that of a notification whose signature was verified.
	AuthenticitySigned Authenticity = "signed"
	// AuthenticityEncryptedOnly is that of a notification that is encrypted with the merchant's key and not signed: refunds of WeChat Pay
	// APIv2. It proves nothing. Execute [Event.ConfirmWith] with the number it names, and act on that answer alone.
	AuthenticityEncryptedOnly Authenticity = "encrypted_only"
)

// AcceptUnauthenticated lets a notification be opened that nobody signed, which is [ErrSignatureMissing] otherwise. Whoever passes it
// promises to execute [Event.ConfirmWith] before acting on an event that is [AuthenticityEncryptedOnly].
func AcceptUnauthenticated() NotificationOption {
	return func(options *wireOptions) { options.AcceptUnauthenticated = true }
}
