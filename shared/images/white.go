package images

import (
	"image"
	"image/draw"
)

// Version is the version of Decode and OnWhite. It is part of the ids of scorers that read pixels in Go. Increase it
// with every change that can change a rating.
const Version = "2"

// OnWhite lays a picture on a white background, as browsers show it. Without it, black ink on a transparent background
// would be black on black. An opaque picture is returned as it is. The scorers embedded and llm use OnWhite. The scorer
// gpu sends unchanged files, because the reference ignores transparency.
func OnWhite(picture image.Image) image.Image {
	if known, ok := picture.(interface{ Opaque() bool }); ok && known.Opaque() {
		return picture
	}
	bounds := picture.Bounds()
	flat := image.NewRGBA(bounds)
	draw.Draw(flat, bounds, image.White, image.Point{}, draw.Src)
	draw.Draw(flat, bounds, picture, bounds.Min, draw.Over)
	return flat
}
