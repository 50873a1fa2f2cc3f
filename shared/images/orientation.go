package images

import (
	"bytes"
	"encoding/binary"
)

// tagOrientation is the tag Orientation of TIFF 6.0 and EXIF.
const tagOrientation = 274

// Orientation returns the EXIF orientation of an encoded JPEG, 1 to 8. It is 1, upright, for a JPEG without this tag
// and for all other data.
func Orientation(data []byte) int {
	const marker, header = "\xff\xe1", "Exif\x00\x00"
	if !bytes.HasPrefix(data, []byte("\xff\xd8")) {
		return 1
	}
	at := bytes.Index(data[:min(len(data), 64<<10)], []byte(header))
	if at < 4 || string(data[at-4:at-2]) != marker {
		return 1
	}
	tiff := data[at+len(header):]
	order := binary.ByteOrder(binary.LittleEndian)
	if bytes.HasPrefix(tiff, []byte("MM")) {
		order = binary.BigEndian
	}
	if turned := tiffTags(tiff, order)[tagOrientation]; turned >= 1 && turned <= 8 {
		return int(turned)
	}
	return 1
}
