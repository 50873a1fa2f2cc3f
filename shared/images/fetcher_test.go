package images

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

// folder returns a bucket with some files.
func folder(tb testing.TB, files map[string][]byte) *bucket.Folder {
	tb.Helper()
	dir := tb.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := bucket.OpenFolder(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// demoFetcher returns a Fetcher of valid and invalid images of the dataset demo, and of images in another bucket.
func demoFetcher(t *testing.T, valid []byte) *Fetcher {
	t.Helper()
	input := folder(t, map[string][]byte{
		"images/demo/a.png": valid, "images/demo/sub/b.png": valid, "images/demo/cut.png": valid[:20],
		"images/demo/large.png": make([]byte, 600), "images/other/c.png": valid,
	})
	f, err := New(Config{
		Input: input, Prefix: "images/demo/", Limits: Limits{
			MaxBytes: 500, MaxPixels: 100,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		Buckets: map[string]bucket.Reader{"own": input, "open": folder(t, map[string][]byte{"d.png": valid})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFetch(t *testing.T) {
	t.Parallel()
	valid := encode(t, png.Encode)
	f := demoFetcher(t, valid)
	embedded := dataset.Image{Data: valid}
	named := func(names ...string) (list []dataset.Image) {
		for _, name := range names {
			list = append(list, dataset.Image{Name: name})
		}
		return list
	}
	for name, tc := range map[string]struct {
		images []dataset.Image
		reason string // reason of the fault; "" if there is no fault
	}{
		"none":     {nil, ""},
		"embedded": {[]dataset.Image{embedded}, ""},
		"several": {append(named("a.png", "./sub/../sub/b.png", "gs://own/images/demo/a.png", "gs://open/d.png"),
			embedded), ""},
		"missing": {named("a.png", "gone.png"), "image not found: gone.png: it is not in "},
		"missing in another bucket": {named("gs://open/none.png"),
			"image not found: gs://open/none.png: there is no such object; upload it, or correct the name"},
		"a folder": {named("sub"), "image unreadable: sub: a folder"},
		"outside":  {named("../other/c.png"), `unsafe image name: ../other/c.png: "../other/c.png" leads out`},
		"of others": {named("gs://own/images/other/c.png"),
			"image not allowed: gs://own/images/other/c.png: use a name below "},
		"in another bucket": {named("gs://secret/d.png"),
			"image not allowed: gs://secret/d.png: use a name below "},
		"large": {named("a.png", "large.png"),
			"image too large: image 2 (large.png): it has 600 bytes, but the limit is 500; make it smaller"},
		"large, embedded": {[]dataset.Image{{Data: make([]byte, 501)}},
			"image too large: image 1 (embedded): it has 501 bytes, but the limit is 500"},
		"cut short": {named("a.png", "cut.png"), "image does not decode: image 2 (cut.png): "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, fault, err := f.Fetch(t.Context(), &dataset.Sample{Images: tc.images}, nil, memorytest.Budget(t).NewHold(1))
			if err != nil {
				t.Fatal(err)
			}
			if tc.reason != "" {
				if fault == nil || !strings.HasPrefix(fault.Reason(), tc.reason) || got.Images != nil {
					t.Errorf("Fetch: %d images, fault %v, want %q", len(got.Images), fault, tc.reason)
				}
				return
			}
			var want [][]byte
			for range tc.images {
				want = append(want, valid)
			}
			if diff := cmp.Diff(want, got.Images); diff != "" || fault != nil {
				t.Errorf("Fetch: fault %v, images (-want +got):\n%s", fault, diff)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	input, limits := folder(t, nil), Limits{
		MaxBytes: 1, MaxPixels: 1,
		MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
	}
	for name, tc := range map[string]struct {
		config Config
		want   []string
	}{
		"nothing":   {Config{}, []string{"input bucket", "MAX_IMAGE_BYTES: 0", "MAX_IMAGE_PIXELS: 0"}},
		"no bucket": {Config{Prefix: "images/demo/", Limits: limits}, []string{"the input bucket is missing"}},
		"a prefix of other folders": {
			Config{Input: input, Prefix: "images/demo", Limits: limits}, []string{`"images/demo", does not end with a slash`},
		},
		"a negative limit": {
			Config{Input: input, Prefix: "images/demo/", Limits: Limits{
				MaxBytes: 1, MaxPixels: -1,
				MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			}},
			[]string{"MAX_IMAGE_PIXELS: -1; give 1 or more"},
		},
	} {
		_, err := New(tc.config)
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	h := HashOf([]byte("abc"))
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if h.String() != want || h.Short() != want[:16] {
		t.Errorf("hash %s, short %s; want %s", h, h.Short(), want)
	}
}
