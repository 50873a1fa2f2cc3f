package compression

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Streams that other programs have compressed. They unpack to the bytes that content returns.
const (
	inBzip2 = "" +
		"QlpoOTFBWSZTWWR9Tl8AAQ7ZgAAQUAB/8AQgAAogAJEYM9Uz/VUaGgbVIn/qqN+qGpp6mpAPsgHkgGpAOM89d56hPbsrvCK7rtCK" +
		"vpxCKqhFVYqqqqqrFV7kA1IBiQDMgGvLbb1+1xcW222/DcBwKAQKgqkk/F3JFOFCQZH1OXw="
	inXZ = "" +
		"/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AKKAGldAD2IiSaBk1N/dWSYN0a1Bz+zGR4IGKINU8z0NM19d1q2gYflqJhAwkcNCHei" +
		"rIqEYAV9RqIjzK54S+HaetfQRZHwtzAxjWhr5g253WKdllDvNiSsxY7F3r02a0mabOsE1tNdvk5xrxxj6AAAAAANp6HThBbXJgAB" +
		"hQGLBQAA14vbjLHEZ/sCAAAAAARZWg=="
)

// content returns 60 lines of JSON.
func content() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "{\"id\": %d}\n", i+1)
	}
	return b.String()
}

func large() Limits { return Limits{Gzip: 1 << 20, Zstd: 1 << 20, Bzip2: 1 << 20, XZ: 1 << 20} }

// streams returns content, compressed in each kind.
func streams(tb testing.TB) map[Kind][]byte {
	tb.Helper()
	var zipped, packed bytes.Buffer
	z := gzip.NewWriter(&zipped)
	p, err := zstd.NewWriter(&packed, zstd.WithEncoderCRC(true))
	if err != nil {
		tb.Fatal(err)
	}
	for _, w := range []io.WriteCloser{z, p} {
		if _, err := io.WriteString(w, content()); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	list := map[Kind][]byte{Gzip: zipped.Bytes(), Zstd: packed.Bytes()}
	for kind, text := range map[Kind]string{Bzip2: inBzip2, XZ: inXZ} {
		if list[kind], err = base64.StdEncoding.DecodeString(text); err != nil {
			tb.Fatal(err)
		}
	}
	return list
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	for kind, stream := range streams(t) {
		if found := Of(stream[:MagicBytes]); found != kind {
			t.Errorf("%s is recognised as %q", kind, found)
		}
		for times := range 3 { // consecutive streams are read as one stream
			var out bytes.Buffer
			in := iotest.OneByteReader(bytes.NewReader(bytes.Repeat(stream, times+1)))
			if err := Unpack(&out, in, kind, large()); err != nil || out.String() != strings.Repeat(content(), times+1) {
				t.Errorf("%s, %d times: %v, unpacked %d bytes", kind, times+1, err, out.Len())
			}
		}
	}
	if found := Of([]byte("[{}]")); found != "" {
		t.Errorf("JSON is recognised as %q", found)
	}
}

// A stream that is cut at any byte is never read as a shorter stream.
func TestUnpackRefusesStreamsThatAreCut(t *testing.T) {
	t.Parallel()
	for kind, stream := range streams(t) {
		for n := MagicBytes; n < len(stream); n++ {
			err := Unpack(io.Discard, bytes.NewReader(stream[:n]), kind, large())
			fault, ok := errors.AsType[*StreamError](err)
			want := "the file is compressed with " + string(kind) + " and cut short: it ends after"
			if !ok || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s of %d bytes, cut after %d: %v", kind, len(stream), n, err)
			}
			if fault.Packed != int64(n) {
				t.Errorf("%s, cut after %d bytes: the error reports %d bytes", kind, n, fault.Packed)
			}
		}
	}
}

// Content after a complete stream is not unpacked. The error does not report it as an incomplete stream.
func TestUnpackRefusesOtherContentAfterStream(t *testing.T) {
	t.Parallel()
	for kind, stream := range streams(t) {
		magic := string(stream[:2])
		for more, want := range map[string]string{
			"x": "other content", "\n": "other content", "\x01\x00": "other content", "{\"id\": 1}": "other content",
			strings.Repeat("{\"id\": 1}", 9000): "other content", "\xff\xff\xff\xff\xff": "other content",
			magic: "cut short", magic[:1]: "cut short", string(stream[:len(stream)-1]): "cut short",
		} {
			for times := range 2 {
				whole := bytes.Repeat(stream, times+1)
				err := Unpack(io.Discard, strings.NewReader(string(whole)+more), kind, large())
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%d streams of %s and %.20q: %v, want %q", times+1, kind, more, err, want)
					continue
				}
				keep := fmt.Sprintf("`head -c %d`", len(whole))
				if strings.Contains(err.Error(), keep) != (want != "cut short") {
					t.Errorf("%d streams of %s and %.20q: %v, want %q", times+1, kind, more, err, keep)
				}
			}
		}
	}
}

// The ends of zstd frames are found for every kind of header, also for skippable frames.
func TestUnpackFramesOfZstd(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(content(), 400)
	for _, options := range [][]zstd.EOption{
		{zstd.WithEncoderCRC(false)}, {zstd.WithSingleSegment(true)}, {zstd.WithEncoderLevel(zstd.SpeedBestCompression)},
	} {
		var packed bytes.Buffer
		w, err := zstd.NewWriter(&packed, options...)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		whole := w.EncodeAll([]byte(text[:100]), packed.Bytes()) // the header has the size of the content
		whole = append(whole, "\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"...)
		err = Unpack(io.Discard, bytes.NewReader(append(bytes.Clone(whole), '\n')), Zstd, large())
		if want := fmt.Sprintf("`head -c %d`", len(whole)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err = Unpack(io.Discard, bytes.NewReader(whole[:len(whole)-1]), Zstd, large()); err == nil ||
			!strings.Contains(err.Error(), "cut short") {
			t.Errorf("%v, want an error about an incomplete stream", err)
		}
	}
}

// A complete file of bgzip ends with an empty block. Other files do not show whether streams are missing at the end.
func TestUnpackRefusesBlocksOfGzipWithoutTheLast(t *testing.T) {
	t.Parallel()
	block := func(text string) []byte {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Extra = []byte("BC\x02\x00\x00\x00")
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return packed.Bytes()
	}
	blocks := bytes.Repeat(block(content()), 3)
	if err := Unpack(io.Discard, bytes.NewReader(append(bytes.Clone(blocks), block("")...)), Gzip, large()); err != nil {
		t.Error(err)
	}
	err := Unpack(io.Discard, bytes.NewReader(blocks), Gzip, large())
	if want := "bgzip and cut short: it ends between two blocks"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestUnpackRefusesDamage(t *testing.T) {
	t.Parallel()
	for kind, stream := range streams(t) {
		damaged := bytes.Clone(stream)
		damaged[len(damaged)/2] ^= 0x55
		err := Unpack(io.Discard, bytes.NewReader(damaged), kind, large())
		if _, ok := errors.AsType[*StreamError](err); !ok || !strings.Contains(err.Error(), "download or compress it again") {
			t.Errorf("%s with damage: %v", kind, err)
		}
	}
}

func TestUnpackLimits(t *testing.T) {
	t.Parallel()
	size := int64(len(content()))
	for kind, stream := range streams(t) {
		just := Limits{Gzip: size, Zstd: size, Bzip2: size, XZ: size}
		if err := Unpack(io.Discard, bytes.NewReader(stream), kind, just); err != nil {
			t.Errorf("%s of exactly as many bytes as allowed: %v", kind, err)
		}
		err := Unpack(io.Discard, bytes.NewReader(stream), kind, just.AtMost(size-1, ""))
		want := fmt.Sprintf("more than the %d bytes that MAX_%s_BYTES allows", size-1, strings.ToUpper(string(kind)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of one byte more than allowed: %v, want %s", kind, err, want)
		}
	}
	err := (Limits{Gzip: 1, Zstd: 1, XZ: 1}).Validate()
	if err == nil || !strings.Contains(err.Error(), "MAX_BZIP2_BYTES: 0") {
		t.Errorf("no limit of bzip2: %v", err)
	}
}

// Errors of the input and the output are returned unchanged: they are not errors of the stream.
func TestUnpackFailsWithItsInput(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for kind, stream := range streams(t) {
		in := io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(broken))
		if err := Unpack(io.Discard, in, kind, large()); err != broken {
			t.Errorf("%s: %v, want the error of the input", kind, err)
		}
		r, w := io.Pipe()
		r.CloseWithError(broken)
		if err := Unpack(w, bytes.NewReader(stream), kind, large()); err != broken {
			t.Errorf("%s: %v, want the error of the output", kind, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for kind, stream := range streams(f) {
		f.Add(string(kind), stream)
	}
	f.Fuzz(func(t *testing.T, kind string, stream []byte) {
		var out bytes.Buffer
		err := Unpack(&out, bytes.NewReader(stream), Kind(kind), large())
		if _, ok := errors.AsType[*StreamError](err); err != nil && !ok {
			t.Errorf("%v is not a StreamError", err)
		}
		if out.Len() > 1<<20 {
			t.Errorf("unpacked %d bytes", out.Len())
		}
	})
}
