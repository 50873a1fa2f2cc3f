package images

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// supported has the image formats that can be read.
const supported = "JPEG, PNG, GIF, WebP, BMP or TIFF"

// sniffed is the number of bytes, at the start of a file, that are needed to recognise its format.
const sniffed = 1024

// signatures has the first bytes of formats that are not supported, and the names of the formats with an article.
var signatures = []struct{ magic, format string }{
	{"\xff\x0a", "a JPEG XL picture"},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"},
	{"\xff\x4f\xff\x51", "a JPEG 2000 picture"},
	{"%PDF-", "a PDF document"},
	{"%!PS", "a PostScript document"},
	{"8BPS", "a Photoshop picture (PSD)"},
	{"\x00\x00\x01\x00", "a Windows icon (ICO)"},
	{"\x00\x00\x02\x00", "a Windows cursor (CUR)"},
	{"II+\x00", "a BigTIFF picture"},
	{"MM\x00+", "a BigTIFF picture"},
	{"\x76\x2f\x31\x01", "an OpenEXR picture"},
	{"DDS ", "a DDS texture"},
	{"SIMPLE  =", "a FITS file"},
	{"gimp xcf", "a GIMP picture (XCF)"},
	{"PK\x03\x04", "a ZIP archive"},
	{"\x1f\x8b", "gzip data"},
	{"\x28\xb5\x2f\xfd", "Zstandard data"},
	{"PAR1", "a Parquet file"},
	{"\x1aE\xdf\xa3", "a Matroska or WebM video"},
	{"RIFF????AVI ", "an AVI video"},
	{"RIFF????WAVE", "a WAV file"},
}

// unknownFormat returns the fault of data that no decoder supports. It names the format of data if the format is known.
func unknownFormat(data []byte) *dataset.Fault {
	if picture := startOf(data); picture != "" {
		return &dataset.Fault{Code: Undecodable, Detail: fmt.Sprintf(
			"the file is cut short: it has only the beginning of a %s picture (bytes: %d); download or copy it again",
			picture, len(data))}
	}
	head := data[:min(len(data), sniffed)]
	format, fix := sniff(head)
	if format == "" {
		return &dataset.Fault{
			Code:   FormatUnknown,
			Detail: "the file is not a " + supported + " image; store it as one of these formats",
		}
	}
	if fix == "" {
		fix = "store it as one of these formats"
	}
	return &dataset.Fault{
		Code: FormatUnknown, Detail: fmt.Sprintf("the file is %s, not a %s image; %s", format, supported, fix),
	}
}

// starts has the bytes that a decoder needs to recognise a supported format. A question mark matches any byte. least is
// the number of bytes that distinguish the format from text.
var starts = []struct {
	magic, format string
	least         int
}{
	{"\x89PNG\r\n\x1a\n", "PNG", 1}, {"\xff\xd8\xff", "JPEG", 1}, {"GIF87a", "GIF", 3}, {"GIF89a", "GIF", 3},
	{"RIFF????WEBPVP8", "WebP", 4}, {"BM????\x00\x00\x00\x00", "BMP", 7}, {"II*\x00", "TIFF", 3}, {"MM\x00*", "TIFF", 3},
}

// startOf returns the supported format of a file that ends before a decoder can recognise the format; empty if the file
// is not such a file.
func startOf(data []byte) string {
	for _, s := range starts {
		if n := len(data); n >= s.least && n < len(s.magic) && hasMagic(data, s.magic[:n]) {
			return s.format
		}
	}
	return ""
}

// sniff finds the format of a file from its head, and returns the name with an article; empty if the format is not
// known. fix is the advice; it is empty if the advice is to convert the file.
func sniff(head []byte) (format, fix string) {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		return sniffBrand(string(head[8:12])), ""
	}
	netpbm := len(head) > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6'
	if netpbm && strings.ContainsRune(" \t\r\n", rune(head[2])) { // other text may begin with P1, too
		return "a Netpbm picture (PBM, PGM or PPM)", ""
	}
	for _, s := range signatures {
		if hasMagic(head, s.magic) {
			return s.format, ""
		}
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return "zero bytes only", "download or copy it again"
	}
	return sniffText(head)
}

// hasMagic reports whether head begins with magic. A question mark in magic matches any byte.
func hasMagic(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// sniffBrand finds the format of a file in the ISO base media format from its major brand, and returns the name with an
// article.
func sniffBrand(brand string) string {
	switch {
	case brand == "avif" || brand == "avis":
		return "an AVIF picture"
	case slices.Contains([]string{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}, brand):
		return "a HEIC picture"
	case strings.HasPrefix(brand, "jp"):
		return "a JPEG 2000 picture"
	case brand == "crx ":
		return "a camera's raw picture (CR3)"
	default:
		return "an MP4 or QuickTime video"
	}
}

// sniffText returns the format of a text file, and the advice, like sniff. The format is empty if head is not text.
func sniffText(head []byte) (format, fix string) {
	text := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff")))
	whole := head
	for len(head) == sniffed && len(whole) > sniffed-utf8.UTFMax && !utf8.Valid(whole) { // head may end within a character
		whole = whole[:len(whole)-1]
	}
	isText := !bytes.ContainsRune(head, 0) && utf8.Valid(whole)
	switch {
	case !isText:
		return "", ""
	case strings.HasPrefix(text, "version https://git-lfs"):
		return "a Git LFS pointer", "download the picture itself: git lfs pull"
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html"):
		return "an HTML page, such as the error page of a website", "download the picture again"
	case strings.Contains(text, "<svg"):
		return "an SVG drawing", ""
	case strings.HasPrefix(text, "<?xml"):
		return "an XML document, such as the error message of a website", "download the picture again"
	case strings.Contains(text, "<html"):
		return "an HTML page, such as the error page of a website", "download the picture again"
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return "JSON text, such as the error message of a website", "download the picture again"
	default:
		return "text", "download or copy the picture again"
	}
}
