package main

import (
	"bytes"
	"fmt"
	"image/color"

	"github.com/boombuler/barcode/qr"
)

// quietZone is the white margin, in modules, that a reader needs (ISO/IEC 18004).
const quietZone = 4

// qrSVG draws text as a QR code.
func qrSVG(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	size := code.Bounds().Dx()
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="%d %d %d %d" shape-rendering="crispEdges">`,
		-quietZone, -quietZone, size+2*quietZone, size+2*quietZone)
	fmt.Fprintf(&svg, `<rect x="%d" y="%d" width="100%%" height="100%%" fill="#fff"/><path d="`, -quietZone, -quietZone)
	for y := range size {
		for x := range size {
			if code.At(x, y) == color.Black {
				fmt.Fprintf(&svg, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	svg.WriteString(`"/></svg>`)
	return svg.Bytes(), nil
}
