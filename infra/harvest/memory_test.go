//go:build linux && !race

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/images/imagetest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// inTwoGiB runs a command with 2 GiB of memory, and returns its output. Memory that is reserved and not used does not
// count. ulimit -v would count it, and Go reserves 1.7 GB.
func inTwoGiB(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := program(t, dir, []string{"GOMEMLIMIT=1843MiB", "GOGC=100", "SHARD_SAMPLES=2"}, args...)
	cmd.Args = append([]string{"sh", "-c", `ulimit -d 2097152 && exec "$0" "$@"`, cmd.Path}, args...)
	cmd.Path = "/bin/sh"
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %.2000s", err, stderr.String())
	}
	return stdout.String()
}

// TestWorstImages scores a dataset with 2 GiB of memory, in several deliveries. It has images that need the maximum
// memory, a record that names an image of 4 MB 1,000 times, and 20 other samples. Each sample is scored, or has failed
// with a reason. HARVEST_SOAK also tests other formats.
func TestWorstImages(t *testing.T) {
	thorough.Only(t)
	dir := t.TempDir()
	var records []string
	add := func(id string, image []byte, times int) {
		name := id + ".img"
		if err := os.WriteFile(filepath.Join(dir, name), image, 0o644); err != nil {
			t.Fatal(err)
		}
		names := strings.Repeat(fmt.Sprintf(", %q", name), times)[2:]
		records = append(records, fmt.Sprintf(`{"id": %q, "image": [%s], "conversations": [{"from": "human", "value": `+
			`"%sWhat is it?"}, {"from": "gpt", "value": "A colour."}]}`, id, names, strings.Repeat("<image>", times)))
	}
	// Decoding takes 15 and 12 bytes per pixel, just below the limit of 512 MiB.
	add("progressive", imagetest.JPEG(5952, 5952, 3, 0x11, true), 1)
	add("deep", imagetest.PNG(6688, 6688, 16, 6), 1)
	add("progressive too", imagetest.JPEG(5952, 5920, 3, 0x11, true), 1)
	add("many", append(imagetest.PNG(400, 400, 8, 2), make([]byte, 4<<20)...), 1000)
	add("too deep", imagetest.PNG(6700, 6700, 16, 6), 1)
	if os.Getenv("HARVEST_SOAK") != "" {
		add("cmyk", imagetest.JPEG(8160, 8160, 4, 0x11, false), 1)
		add("lossless", imagetest.LosslessWebP(6400, 6400, true), 1)
		add("64 images", append(imagetest.PNG(400, 400, 8, 2), make([]byte, 4_000_000)...), 64)
	}
	for i := range 20 {
		add(fmt.Sprint("neighbour ", i), imagetest.PNG(64, 64, 8, 2), 1)
	}
	manifest := filepath.Join(dir, "dataset.jsonl")
	if err := os.WriteFile(manifest, []byte(strings.Join(records, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	got := decodeResult(t, inTwoGiB(t, dir, "curate", "--json", "--quiet", "--budget", "1.0", "--max-failed", "100%",
		"--state", "state", "--out", "out", manifest)).Samples
	if got.Failed != 2 || got.In != int64(len(records)) || got.Scored != got.In-2 {
		t.Errorf("samples %+v, want all of %d but two scored", got, len(records))
	}
	reasons := map[string]string{}
	for _, r := range rejectedLines(t, filepath.Join(dir, "out", "rejected.jsonl")) {
		reasons[r.ID] = r.Reason
	}
	want := map[string]string{
		"many": "too many images: images: the record names 1000 images, but the limit is 64; divide it into several " +
			"records, or raise MAX_SAMPLE_IMAGES",
		"too deep": "image too large: image 1 (too deep.img): decoding a PNG of 16 bits of 6700 x 6700 pixels takes " +
			"538680000 bytes, but the limit is 536870912; make it smaller, or raise MAX_DECODED_BYTES",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
}
