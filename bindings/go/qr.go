package payseal

/*
#include "payseal.h"

#cgo noescape payseal_qr_encode
#cgo nocallback payseal_qr_encode
*/
import "C"

import "encoding/json"

// QRFormat is that of a QR code's image.
type QRFormat string

// The formats of QR codes.
const (
	QRPNG QRFormat = "png"
	QRSVG QRFormat = "svg"
)

// QROptions say how a QR code looks. Zero fields take the defaults.
type QROptions struct {
	// Format is [QRPNG] by default.
	Format QRFormat `json:"format,omitempty"`
	// Scale is how many pixels (PNG) or units (SVG) a module's side has: 1 to 64, by default 8.
	Scale int `json:"scale,omitempty"`
	// Margin is the quiet zone in modules, at most 32; by default the 4 that the standard wants. A pointer, for it may be 0.
	Margin *int `json:"margin,omitempty"`
	// ErrorCorrection is "L", "M" (the default), "Q" or "H".
	ErrorCorrection string `json:"error_correction,omitempty"`
	// Dark and Light are colours such as "#1aad19"; by default black and white.
	Dark  string `json:"dark,omitempty"`
	Light string `json:"light,omitempty"`
}

// QR draws the QR code of text, at most 1000 bytes, such as a code_url. The same input gives the same bytes.
func QR(text string, options QROptions) ([]byte, error) {
	if err := compatible(); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, &Error{Code: ErrParamsInvalid, Outcome: OutcomeNotSent, Message: "the options cannot be written as JSON", cause: err}
	}
	textData, textLen := textOf(text)
	optionsData, optionsLen := bytesOf(encoded)
	var image C.payseal_buffer
	var failure *C.payseal_error
	if err := takeError(C.payseal_qr_encode(textData, textLen, optionsData, optionsLen, &image, &failure), failure); err != nil {
		return nil, err
	}
	return take(&image), nil
}
