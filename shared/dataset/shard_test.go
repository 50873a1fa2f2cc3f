package dataset

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"
)

// shardSamples are samples of every form that a shard has to carry.
func shardSamples(tb testing.TB) []Sample {
	tb.Helper()
	samples := readAll(tb, []byte(strings.Join([]string{
		valid,
		`{"id": 7, "image": ["x/1.jpg", "data:;base64,aGk=", {"bytes": "aG8="}], ` +
			asked("<image><image><image> <b>&\u2028</b>") + "}",
		"{\"id\": \"\xff\", " + asked("Why?") + "}",
		"{\"id\": broken",
		`{"id": "b", "image": ["data:;base64,aGk=", "/etc"]}`,
		strings.Repeat(" ", 9) + strings.Repeat("x", 1000),
	}, "\n")), 1<<20, Limits{MaxRecordBytes: 500})
	return samples
}

// wholeBytes spares cmp from looking for the differences within megabytes.
var wholeBytes = cmp.Comparer(func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) })

func writeShard(tb testing.TB, samples []Sample) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := WriteShard(&out, samples); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestShardRoundTrip(t *testing.T) {
	t.Parallel()
	for name, samples := range map[string][]Sample{
		"every form": shardSamples(t),
		"none":       nil,
		"larger than a window": readAll(t, []byte(`[{"id": "a", "image": "data:;base64,`+strings.Repeat("aGk1", 1<<20)+`", `+
			asked("<image>")+`}]`), 1<<20, Limits{}),
	} {
		shard := writeShard(t, samples)
		got, err := ReadShard(bytes.NewReader(shard))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(samples, got, wholeBytes); diff != "" {
			t.Errorf("%s: samples after a round trip (-want +got):\n%s", name, diff)
		}
		if !bytes.Equal(shard, writeShard(t, got)) {
			t.Errorf("%s: the same samples give another shard", name)
		}
	}
}

func TestShardKeepsRealData(t *testing.T) {
	t.Parallel()
	samples := readAll(t, pool(t), 1<<20, Limits{})
	got, err := ReadShard(bytes.NewReader(writeShard(t, samples)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(samples, got, wholeBytes); diff != "" {
		t.Errorf("samples after a round trip (-want +got):\n%s", diff)
	}
}

func TestWriteShardFailsWithItsOutput(t *testing.T) {
	t.Parallel()
	for _, samples := range [][]Sample{nil, shardSamples(t), {{Raw: []byte(strings.Repeat("0123456789", 1<<20))}}} {
		if err := WriteShard(fullDisk{}, samples); !errors.Is(err, errFull) {
			t.Errorf("%d samples to a full disk: %v", len(samples), err)
		}
	}
}

func pack(tb testing.TB, lines string) []byte {
	tb.Helper()
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return packer.EncodeAll([]byte(lines), nil)
}

func TestReadShardRefuses(t *testing.T) {
	t.Parallel()
	shard := writeShard(t, shardSamples(t))
	for name, data := range map[string][]byte{
		"an empty object":          nil,
		"something else":           []byte(valid),
		"text behind":              append(bytes.Clone(shard), "more"...),
		"broken lines":             pack(t, `{"id": "a"`),
		"another type":             pack(t, `[]`),
		"images of another sample": pack(t, `{"id": "a", "images": [{}], "raw": "{\"image\": \"a.png\"}"}`),
	} {
		if _, err := ReadShard(bytes.NewReader(data)); err == nil {
			t.Errorf("%s is read as a shard", name)
		}
	}
	for n := range shard {
		if _, err := ReadShard(bytes.NewReader(shard[:n])); err == nil {
			t.Errorf("a shard cut after %d of %d bytes is read", n, len(shard))
		}
		damaged := bytes.Clone(shard)
		damaged[n] ^= 0x10
		got, err := ReadShard(bytes.NewReader(damaged))
		if err == nil && !cmp.Equal(shardSamples(t), got) {
			t.Errorf("a shard with another byte %d is read as other samples", n)
		}
	}
}

func TestReadShardIsBounded(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"blanks":       strings.Repeat(" ", 2000),
		"many samples": strings.Repeat("{}\n", 1000),
		"one sample":   `{"id": "` + strings.Repeat("a", 2000) + `"}`,
	} {
		_, err := readShard(bytes.NewReader(pack(t, lines)), 1000)
		if err == nil || !strings.Contains(err.Error(), "unpacks to more than 1000 bytes") {
			t.Errorf("%s: %v, want a refusal of the size", name, err)
		}
	}
	if samples, err := readShard(bytes.NewReader(pack(t, strings.Repeat("{}\n", 333))), 1000); err != nil ||
		len(samples) != 333 {
		t.Errorf("a shard of 999 bytes: %d samples, %v", len(samples), err)
	}
}

func FuzzReadShard(f *testing.F) {
	f.Add(writeShard(f, shardSamples(f)))
	f.Add(writeShard(f, nil))
	f.Add(pack(f, `{"id": "a", "images": [{}], "raw": "{\"image\": \"data:;base64,aGk=\"}"}`))
	f.Add([]byte(valid))
	f.Fuzz(func(t *testing.T, data []byte) {
		samples, err := ReadShard(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := ReadShard(bytes.NewReader(writeShard(t, samples)))
		if diff := cmp.Diff(samples, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("after another round trip: %v (-want +got):\n%s", err, diff)
		}
	})
}
