package llm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// TestWithImages sends texts that look like placeholders of images, and images of all lengths modulo 3.
func TestWithImages(t *testing.T) {
	t.Parallel()
	type part struct {
		URL  string `json:"url,omitempty"`
		Text string `json:"text,omitempty"`
	}
	text := `"url":"harvest-image:0"` + "\\" + placeOfURL
	parts := []part{{Text: text}}
	want := []part{{Text: text}}
	var images []encodedImage
	for i, size := range []int{0, 1, 2, 3, 3071, 3072, 3073, 10_000} {
		data := []byte(strings.Repeat("x", size))
		images = append(images, encodedImage{"image/png", data})
		parts = append(parts, part{URL: imageURL(i)})
		want = append(want, part{URL: "data:image/png;base64," + base64.StdEncoding.EncodeToString(data)})
	}
	body, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	r, length, err := withImages(body, images)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(sent) != string(wanted) || length != int64(len(sent)) {
		t.Errorf("%d bytes of %d: %.300s\nwant %.300s", length, len(sent), sent, wanted)
	}
	if _, _, err := withImages(body, images[1:]); err == nil {
		t.Error("a place without an image: no error")
	}
}

// TestBodyMemory sends large images. Little memory must be allocated for their base64 text.
func TestBodyMemory(t *testing.T) {
	var images []encodedImage
	var body strings.Builder
	for i := range 8 {
		images = append(images, encodedImage{"image/png", make([]byte, 4<<20)})
		fmt.Fprintf(&body, `{"url":%q}`, imageURL(i))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, length, err := withImages([]byte(body.String()), images)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n != length {
		t.Errorf("%d bytes of %d, %v", n, length, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("it took %d bytes", took)
	}
}
