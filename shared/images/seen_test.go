package images

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

func encoded(t *testing.T, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, size, size))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// write writes a file below a folder, and sets the time of its last change.
func write(t *testing.T, dir, name string, data []byte, at time.Time) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestSeen compares the states of images that Fetch returns with the states that Look returns.
func TestSeen(t *testing.T) {
	t.Parallel()
	dir, at, data := t.TempDir(), time.Unix(1000, 5), encoded(t, 3)
	write(t, dir, "a.png", data, at)
	write(t, dir, "text.png", []byte("text"), at)
	if err := os.Mkdir(filepath.Join(dir, "folder.png"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := viewOf(t, dir)
	a := fmt.Sprintf("%d:%d", len(data), at.UnixNano())
	for _, test := range []struct {
		images []dataset.Image
		want   []string
	}{
		{nil, nil},
		{[]dataset.Image{{Name: "a.png"}, {Data: data}, {Name: "./a.png"}}, []string{a, Embedded, a}},
		{[]dataset.Image{{Name: "a.png"}, {Name: "b.png"}, {Name: "a.png"}}, []string{a, "image_not_found"}},
		{[]dataset.Image{{Name: "text.png"}, {Name: "a.png"}}, []string{fmt.Sprintf("4:%d", at.UnixNano())}},
		{[]dataset.Image{{Name: "folder.png"}}, []string{"image_unreadable"}},
		{[]dataset.Image{{Name: "gs://other/a.png"}}, []string{"image_not_allowed"}},
		{[]dataset.Image{{Name: "../a.png"}}, []string{string(dataset.ImageNameUnsafe)}},
	} {
		fetched, _, err := f.Fetch(t.Context(), &dataset.Sample{Images: test.images}, nil, memorytest.Budget(t).NewHold(1))
		if diff := cmp.Diff(test.want, fetched.Seen); diff != "" || err != nil {
			t.Errorf("%+v: seen (-want +got):\n%s%v", test.images, diff, err)
		}
		for i, seen := range fetched.Seen {
			if there, err := f.Look(t.Context(), test.images[i]); there != seen || err != nil {
				t.Errorf("%+v: Look returns %q (%v), and Fetch %q", test.images[i], there, err, seen)
			}
		}
	}
	write(t, dir, "a.png", data, at.Add(time.Nanosecond))
	if there, err := f.Look(t.Context(), dataset.Image{Name: "a.png"}); err != nil || there == a {
		t.Errorf("Look returns %q (%v) for a changed image, as before", there, err)
	}
}

// A replacing is a bucket in which an image is replaced after it was located and before it is read.
type replacing struct {
	bucket.Reader
	replace func()
}

func (b replacing) Open(
	ctx context.Context, name string, generation, offset, length int64,
) (io.ReadCloser, error) {
	b.replace()
	return b.Reader.Open(ctx, name, generation, offset, length)
}

// TestSeenOfReplaced replaces an image while it is read. Fetch never returns the new state with the old content.
func TestSeenOfReplaced(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), time.Unix(1000, 0)
	before, after := encoded(t, 3), encoded(t, 4)
	write(t, dir, "a.png", before, at)
	f := fetcherOf(t, replacing{viewOf(t, dir).input, func() { write(t, dir, "a.png", after, at.Add(time.Second)) }})
	sample := &dataset.Sample{Images: []dataset.Image{{Name: "a.png"}}}
	fetched, fault, err := f.Fetch(t.Context(), sample, nil, memorytest.Budget(t).NewHold(1))
	if err != nil || fault == nil {
		t.Fatalf("fetched %d images, fault %v, %v; want a fault", len(fetched.Images), fault, err)
	}
	there, err := f.Look(t.Context(), sample.Images[0])
	if err != nil || there == fetched.Seen[0] {
		t.Errorf("a later Look returns %q (%v), as Fetch did", there, err)
	}
	fetched, fault, err = f.Fetch(t.Context(), sample, nil, memorytest.Budget(t).NewHold(1))
	if err != nil || fault != nil || fetched.Seen[0] != there {
		t.Errorf("the next Fetch returns the states %q (%v, %v), want %q", fetched.Seen, fault, err, there)
	}
}
