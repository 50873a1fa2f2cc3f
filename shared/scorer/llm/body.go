package llm

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
)

// imageURL returns a placeholder for the URL of the i-th image. It is replaced when the request is sent. Without
// placeholders, langchaingo would have several copies of the images as text in memory while it makes the body.
func imageURL(i int) string { return fmt.Sprintf("harvest-image:%d", i) }

// placeOfURL is the text before the number of an image in a body. A message cannot contain it, because its quotes are
// escaped.
const placeOfURL = `"url":"harvest-image:`

// withImages replaces the placeholders in a body by data URLs. It returns a reader of the new body, and its length in
// bytes.
func withImages(body []byte, images []encodedImage) (io.Reader, int64, error) {
	var parts []io.Reader
	var length int64
	add := func(r io.Reader, size int) {
		parts = append(parts, r)
		length += int64(size)
	}
	for {
		before, after, found := bytes.Cut(body, []byte(placeOfURL))
		add(bytes.NewReader(before), len(before))
		if !found {
			return io.MultiReader(parts...), length, nil
		}
		number, rest, _ := bytes.Cut(after, []byte(`"`))
		i, err := strconv.Atoi(string(number))
		if err != nil || i < 0 || i >= len(images) {
			return nil, 0, fmt.Errorf("a prompt of %d images has a place for image %q", len(images), number)
		}
		head := `"url":"data:` + images[i].mime + ";base64,"
		add(bytes.NewReader([]byte(head)), len(head))
		add(&base64Reader{data: images[i].data}, base64.StdEncoding.EncodedLen(len(images[i].data)))
		add(bytes.NewReader([]byte(`"`)), 1)
		body = rest
	}
}

// A base64Reader reads data as base64 text.
type base64Reader struct {
	data, text []byte
	buffer     [4096]byte
}

// Read implements io.Reader.
func (r *base64Reader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		if len(r.data) == 0 {
			return 0, io.EOF
		}
		part := r.data[:min(len(r.data), len(r.buffer)/4*3)]
		base64.StdEncoding.Encode(r.buffer[:], part)
		r.data, r.text = r.data[len(part):], r.buffer[:base64.StdEncoding.EncodedLen(len(part))]
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}
