package images

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// grain returns a picture with plain areas, with strokes and with noise up to so many levels.
func grain(width, height, noise int) *image.RGBA {
	rng := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{250, 250, 245, 255}
			switch {
			case x*3 > width && x%5 == 0:
				c = color.RGBA{10, 20, 200, 255}
			case y*2 > height:
				c = color.RGBA{uint8(x * 3), uint8(y * 5), uint8(x + y), 255}
			}
			if noise > 0 && y*3 > height {
				c.R += uint8(rng.IntN(noise))
				c.G += uint8(rng.IntN(noise))
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func encodeJPEG(tb testing.TB, picture image.Image, quality int) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// planar returns a JPEG of width x height pixels with three planes. Its blocks are those of a gray JPEG, which must
// have as many blocks. sampling has the factors of each plane, as in the file; ids has the names of the planes.
func planar(tb testing.TB, blocks, width, height int, sampling, ids string) []byte {
	tb.Helper()
	m := image.NewGray(image.Rect(0, 0, 8*blocks, 8))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i/7 + i)
	}
	gray := encodeJPEG(tb, m, 90)
	frame := []byte{0xff, markerSOF0, 0, 17, 8, 0, 0, 0, 0, 3}
	binary.BigEndian.PutUint16(frame[5:], uint16(height))
	binary.BigEndian.PutUint16(frame[7:], uint16(width))
	scan := []byte{0xff, markerSOS, 0, 12, 3}
	for i := range 3 {
		frame = append(frame, ids[i], sampling[i], 0)
		scan = append(scan, ids[i], 0)
	}
	scan = append(scan, 0, 63, 0)
	head, rest, found := bytes.Cut(gray, []byte{0xff, markerSOF0, 0, 11})
	tables, data, cut := bytes.Cut(rest[9:], []byte{0xff, markerSOS, 0, 8})
	if !found || !cut {
		tb.Fatal("image/jpeg wrote other headers")
	}
	return bytes.Join([][]byte{head, frame, tables, scan, data[6:]}, nil)
}

// usualJPEGs returns JPEGs of the kinds that decodeBaseline decodes.
func usualJPEGs(tb testing.TB) map[string][]byte {
	tb.Helper()
	gray := image.NewGray(image.Rect(0, 0, 61, 43))
	for i := range gray.Pix {
		gray.Pix[i] = uint8(i * i / 31)
	}
	return map[string][]byte{
		"one pixel":    encodeJPEG(tb, grain(1, 1, 0), 75),
		"one unit":     encodeJPEG(tb, grain(16, 16, 9), 75),
		"low quality":  encodeJPEG(tb, grain(133, 71, 40), 1),
		"usual":        encodeJPEG(tb, grain(133, 71, 40), 75),
		"high quality": encodeJPEG(tb, grain(71, 133, 200), 100),
		"gray":         encodeJPEG(tb, gray, 80),
		"4:2:0":        planar(tb, 36, 40, 24, "\x22\x11\x11", "\x01\x02\x03"),
		"4:2:2":        planar(tb, 36, 40, 24, "\x21\x11\x11", "\x01\x02\x03"),
		"4:4:4":        planar(tb, 45, 40, 24, "\x11\x11\x11", "\x01\x02\x03"),
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	for name, data := range usualJPEGs(t) {
		if !checkBaseline(t, data) {
			t.Errorf("%s: left to image/jpeg", name)
		}
	}
}

// checkBaseline reports whether decodeBaseline decodes a file. If it does, its picture must be that of image/jpeg.
func checkBaseline(tb testing.TB, data []byte) bool {
	tb.Helper()
	got := decodeBaseline(data)
	if got == nil {
		return false
	}
	want, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatalf("a picture, and image/jpeg says: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		tb.Fatal("the picture differs from that of image/jpeg")
	}
	return true
}

func TestUnusualJPEG(t *testing.T) {
	t.Parallel()
	usual := encodeJPEG(t, grain(40, 24, 9), 75)
	with := func(old, replacement string) []byte {
		changed := bytes.Replace(usual, []byte(old), []byte(replacement), 1)
		if bytes.Equal(changed, usual) {
			t.Fatalf("no %x in the file", old)
		}
		return changed
	}
	for name, data := range map[string][]byte{
		"progressive":               with("\xff\xc0", "\xff\xc2"),
		"extended":                  with("\xff\xc0", "\xff\xc1"),
		"12 bits":                   with("\xff\xc0\x00\x11\x08", "\xff\xc0\x00\x11\x0c"),
		"restart markers":           with("\xff\xc0", "\xff\xdd\x00\x04\x00\x01\xff\xc0"),
		"Adobe's marker":            with("\xff\xc0", "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00\xff\xc0"),
		"no tables of codes":        with("\xff\xc4", "\xff\xe4"),
		"no table of quantisation":  with("\xff\xdb", "\xff\xeb"),
		"no end":                    usual[:len(usual)-2],
		"another scan":              with("\xff\xd9", "\xff\xda\x00\x08"),
		"planes R, G and B":         planar(t, 45, 40, 24, "\x11\x11\x11", "RGB"),
		"planes of equal names":     planar(t, 45, 40, 24, "\x11\x11\x11", "\x01\x02\x02"),
		"4:4:0":                     planar(t, 40, 40, 24, "\x12\x11\x11", "\x01\x02\x03"),
		"chroma of two resolutions": planar(t, 36, 40, 24, "\x21\x21\x11", "\x01\x02\x03"),
		"PNG":                       drawn(t, grain(9, 9, 0), png.Encode),
	} {
		if decodeBaseline(data) != nil {
			t.Errorf("%s: not left to image/jpeg", name)
		}
	}
}

// TestCutBaseline cuts a JPEG at each byte, and damages each byte.
func TestCutBaseline(t *testing.T) {
	t.Parallel()
	data := encodeJPEG(t, grain(40, 24, 9), 60)
	for size := range data {
		if decodeBaseline(data[:size]) != nil {
			t.Fatalf("the first %d of %d bytes give a picture", size, len(data))
		}
		if _, fault := Decode(data[:size]); fault == nil {
			t.Fatalf("the first %d of %d bytes give no fault", size, len(data))
		}
		for _, change := range []byte{1, 0x10, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[size] ^= change
			checkBaseline(t, damaged)
		}
	}
}

func FuzzBaseline(f *testing.F) {
	for _, data := range usualJPEGs(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if size, fault := Measure(data); fault == nil && size.Decoded <= 1<<20 {
			checkBaseline(t, data)
		}
	})
}

// TestBaselinePool compares all JPEGs of two pools with image/jpeg. All are of the usual kind.
func TestBaselinePool(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	const pools = "../../../shared/data"
	if _, err := os.Stat(pools); err != nil {
		t.Skip("there is no ../shared/data")
	}
	usual, others := 0, 0
	err := filepath.WalkDir(pools, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/images/") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, []byte{0xff, markerSOI}) {
			return err
		}
		if checkBaseline(t, data) {
			usual++
		} else {
			others++
		}
		return nil
	})
	if err != nil || usual == 0 {
		t.Fatalf("%d JPEGs compared: %v", usual, err)
	}
	t.Logf("%d JPEGs of the usual kind are equal; %d others", usual, others)
}

// BenchmarkBaseline decodes a JPEG of 768 x 768 pixels with both decoders.
func BenchmarkBaseline(b *testing.B) {
	data := encodeJPEG(b, grain(768, 768, 30), 75)
	for name, decode := range map[string]func(){
		"here":       func() { decodeBaseline(data) },
		"image-jpeg": func() { _, _ = jpeg.Decode(bytes.NewReader(data)) },
	} {
		b.Run(name, func(b *testing.B) {
			before := thorough.ProcessorTime()
			for range b.N {
				decode()
			}
			b.ReportMetric((thorough.ProcessorTime()-before).Seconds()*1e3/float64(b.N), "cpu-ms")
		})
	}
}
