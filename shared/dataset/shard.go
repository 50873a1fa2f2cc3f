package dataset

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

const (
	// shardWindow is zstd's window in bytes: as small as repeated keys and phrases allow, since every
	// shard in work holds a few of them in memory.
	shardWindow = 1 << 20
	// maxShardBytes bounds what a shard may unpack to. JSON's escapes make at most six bytes of one,
	// so shards of 64 MB of records, which the last one may exceed, stay well below.
	maxShardBytes = 1 << 30
)

// entry is one line of a shard: the sample, and the record that it was read from as text or, where
// it is not UTF-8, as base64.
type entry struct {
	*Sample
	Raw       *string `json:"raw,omitempty"`
	RawBase64 []byte  `json:"raw_base64,omitempty"`
}

// WriteShard writes samples as zstd-compressed JSON lines, the same bytes for the same samples.
// Embedded images are not written again next to the raw record that holds them.
func WriteShard(w io.Writer, samples []Sample) error {
	// One goroutine and an explicit level and window keep the bytes independent of the machine. A
	// frame is written for no samples too, so that no valid shard is an empty object.
	packer, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(shardWindow), zstd.WithZeroFrames(true))
	if err != nil {
		return fmt.Errorf("starting a shard: %w", err)
	}
	lines := json.NewEncoder(packer)
	lines.SetEscapeHTML(false)
	for i := range samples {
		line := entry{Sample: &samples[i]}
		if raw := samples[i].Raw; utf8.Valid(raw) && raw != nil {
			text := string(raw)
			line.Raw = &text
		} else {
			line.RawBase64 = raw
		}
		if err := lines.Encode(line); err != nil {
			_ = packer.Close()
			return fmt.Errorf("writing sample %s to a shard: %w", samples[i].ID, err)
		}
	}
	if err := packer.Close(); err != nil {
		return fmt.Errorf("completing a shard: %w", err)
	}
	return nil
}

// ReadShard returns the samples that WriteShard wrote. Embedded images are read from the raw record
// again. A shard that is cut short, damaged, or unpacks to more than 1 GiB is an error.
func ReadShard(r io.Reader) ([]Sample, error) { return readShard(r, maxShardBytes) }

func readShard(r io.Reader, limit int64) ([]Sample, error) {
	in := bufio.NewReader(r)
	if _, err := in.Peek(1); err == io.EOF {
		return nil, errors.New("reading a shard: the object is empty")
	}
	unpacker, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(shardWindow))
	if err != nil {
		return nil, fmt.Errorf("reading a shard: %w", err)
	}
	defer unpacker.Close()
	limited := &io.LimitedReader{R: unpacker, N: limit}
	lines := json.NewDecoder(limited)
	var samples []Sample
	for {
		s, err := readEntry(lines)
		switch {
		case limited.N == 0:
			return nil, fmt.Errorf("reading a shard: it unpacks to more than %d bytes", limit)
		case err == io.EOF:
			return samples, nil
		case err != nil:
			return nil, fmt.Errorf("reading sample %d of a shard: %w", len(samples)+1, err)
		}
		samples = append(samples, *s)
	}
}

func readEntry(lines *json.Decoder) (*Sample, error) {
	line := entry{Sample: new(Sample)}
	if err := lines.Decode(&line); err != nil {
		return nil, err
	}
	s := line.Sample
	s.Raw = line.RawBase64
	if line.Raw != nil {
		s.Raw = []byte(*line.Raw)
	}
	return s, s.restoreImages()
}

// restoreImages reads the sample's embedded images from its raw record.
func (s *Sample) restoreImages() error {
	embedded := func(image Image) bool { return image.Name == "" }
	if !slices.ContainsFunc(s.Images, embedded) {
		return nil
	}
	images := Parse(s.Raw, s.Place).Images
	if !slices.EqualFunc(s.Images, images, func(a, b Image) bool { return a.Name == b.Name }) {
		return fmt.Errorf("the images of %s are not those of its raw record", s.ID)
	}
	s.Images = images
	return nil
}
