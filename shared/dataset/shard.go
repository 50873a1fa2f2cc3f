package dataset

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is the limit of zstd's window in bytes. Compressing a shard needs the memory of a few windows. A small
	// window is enough, because repeated keys and phrases are near each other.
	maxWindow = 1 << 20
	// maxIndexBytes is the size limit of an index, compressed and uncompressed. An index has a few bytes for each record.
	maxIndexBytes = 64 << 20
	// skippableMagic begins a skippable frame, which zstd decoders ignore. A shard begins with such a frame, so that `zstd
	// -dc` prints only the records. Source: RFC 8878, section 3.1.2.
	skippableMagic = 0x184D2A50
)

// errCutShort reports that a shard is incomplete.
var errCutShort = errors.New("it is cut short")

// A Record is a record of a shard, before parsing.
type Record struct {
	Place Place
	// Raw is Sample.Raw; nil if the shard does not contain the record.
	Raw []byte
	// Fault is the reason why the shard does not contain the record; nil if Raw is set.
	Fault *Fault
	// Stored is the position of the record in a container.
	Stored Stored
}

// Stored is the position of a record in a container, if the number of the record is not enough to find it. Otherwise it
// is zero.
type Stored struct {
	Extent // position of the whole record
	// Values are the positions of the record's binary values, in the order of their numbers.
	Values []Extent
}

// An Extent is a range of bytes of a file.
type Extent struct {
	Offset int64 // of the first byte
	Bytes  int64
}

// End returns the offset after the last byte.
func (e Extent) End() int64 { return e.Offset + e.Bytes }

// Sample parses the record. The sample keeps the record's Raw.
func (r Record) Sample(parse Parser) *Sample {
	var s *Sample
	if r.Fault != nil {
		s = Unread(r.Place, *r.Fault)
	} else {
		s = parse(r.Raw, r.Place)
	}
	s.Stored = r.Stored
	return s
}

// WriteShard writes a shard with the records of samples, but not the parsed content of the samples. The samples must be
// of one manifest and in its order. Equal records give equal bytes.
func WriteShard(w io.Writer, samples []Sample) error { return new(ShardWriter).Write(w, samples) }

// A ShardWriter writes shards, and reuses its memory. The zero value is ready to use.
type ShardWriter struct {
	packer  *zstd.Encoder
	packed  []byte
	index   []byte
	records []byte
}

// Write writes a shard like WriteShard.
func (s *ShardWriter) Write(w io.Writer, samples []Sample) error {
	index, err := newShardIndex(samples)
	if err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return fmt.Errorf("starting a shard: %w", err)
	}
	s.index = index.appendTo(s.index[:0])
	s.packed = s.packer.EncodeAll(s.index, append(s.packed[:0], make([]byte, shardHead)...))
	if err := putHead(s.packed); err != nil {
		return err
	}
	if size := index.size(); size > 0 && size <= maxWindow {
		s.records = s.records[:0]
		for i := range samples {
			s.records = append(s.records, samples[i].Raw...)
		}
		s.packed = s.packer.EncodeAll(s.records, s.packed)
		if _, err := w.Write(s.packed); err != nil {
			return fmt.Errorf("writing a shard: %w", err)
		}
		return nil
	}
	if _, err := w.Write(s.packed); err != nil {
		return fmt.Errorf("writing the index of a shard: %w", err)
	}
	return s.writeRecords(w, samples)
}

// writeRecords writes the frame of the records in pieces, so that the records of a large shard are not in memory twice.
func (s *ShardWriter) writeRecords(w io.Writer, samples []Sample) error {
	s.packer.Reset(w)
	for i := range samples {
		if _, err := s.packer.Write(samples[i].Raw); err != nil {
			return fmt.Errorf("writing sample %s to a shard: %w", samples[i].ID, err)
		}
	}
	if err := s.packer.Close(); err != nil {
		return fmt.Errorf("completing a shard: %w", err)
	}
	return nil
}

// begin makes the packer. One goroutine and a fixed level and window make the bytes equal on all machines. The window
// comes before the level, because this level alone has blocks of 64 KiB; with 128 KiB most shards are one block, which
// takes less time. An empty frame is written if there are no records, so that a shard always has three frames.
func (s *ShardWriter) begin() (err error) {
	if s.packer == nil {
		s.packer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxWindow),
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
	}
	return err
}

// ReadShard reads and parses the records of a shard. With the same parser, the samples equal those that were written.
func ReadShard(r io.Reader, parse Parser) ([]Sample, error) {
	var samples []Sample
	for record, err := range ReadRecords(r) {
		if err != nil {
			return nil, err
		}
		record.Raw = bytes.Clone(record.Raw)
		samples = append(samples, *record.Sample(parse))
	}
	return samples, nil
}

// ReadRecords yields the records of a shard. Raw is valid until the next record. If a shard is incomplete or damaged,
// the last element is an error, perhaps after many records. Do not use these records.
func ReadRecords(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		var shards ShardReader
		defer shards.Close()
		shards.Records(r)(yield)
	}
}

// A ShardReader reads shards, and reuses its memory. The zero value is ready to use. Close frees the memory.
type ShardReader struct {
	in       bufio.Reader
	index    *zstd.Decoder
	unpacker *zstd.Decoder // unpacks records
	text     []byte        // text of an index
	raw      bytes.Buffer  // grows with the bytes that are read, not with the sizes in an index
}

// Close frees the reader's memory. The reader may be used again.
func (s *ShardReader) Close() {
	for _, decoder := range []*zstd.Decoder{s.index, s.unpacker} {
		if decoder != nil {
			decoder.Close()
		}
	}
	*s = ShardReader{}
}

// Records yields the records of a shard, like ReadRecords. They are valid until the next shard is read.
func (s *ShardReader) Records(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s.in.Reset(r)
		index, err := s.readIndex(&s.in)
		if err == nil {
			err = s.openRecords()
		}
		if err != nil {
			yield(Record{}, fmt.Errorf("reading a shard: %w", err))
			return
		}
		for i, record := range index.records() {
			if record.Fault == nil {
				s.raw.Reset()
				if _, err := io.CopyN(&s.raw, s.unpacker, int64(index.Bytes[i])); err != nil {
					yield(Record{}, fmt.Errorf("reading record %d of a shard: %w", i+1, cutShort(err)))
					return
				}
				record.Raw = s.raw.Bytes()
			}
			if !yield(record, nil) {
				return
			}
		}
		// The frame's checksum is at its end.
		switch n, err := io.CopyN(io.Discard, s.unpacker, 1); {
		case n > 0:
			yield(Record{}, errors.New("reading a shard: it has more records than its index"))
		case err != io.EOF:
			yield(Record{}, fmt.Errorf("reading a shard: %w", cutShort(err)))
		}
	}
}

// openRecords begins to unpack the records, which are the last frame of a shard. The reader must be at this frame.
func (s *ShardReader) openRecords() (err error) {
	if _, err := s.in.Peek(1); err != nil {
		return cutShort(err)
	}
	if s.unpacker != nil {
		return s.unpacker.Reset(&s.in)
	}
	s.unpacker, err = zstd.NewReader(&s.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	return err
}

// ReadPlaces returns the positions of a shard's records in their manifest, without reading the records.
func ReadPlaces(r io.Reader) ([]Place, error) {
	var shards ShardReader
	defer shards.Close()
	index, err := shards.readIndex(r)
	if err != nil {
		return nil, fmt.Errorf("reading a shard: %w", err)
	}
	places := make([]Place, 0, len(index.Bytes))
	for _, record := range index.records() {
		places = append(places, record.Place)
	}
	return places, nil
}

// shardHead is the length of a shard's first frame: magic number, length of the frame's content, length of the index's
// frame.
const shardHead = 12

// putHead writes the first frame of a shard into the start of packed. The frame of the index follows it in packed.
func putHead(packed []byte) error {
	n := len(packed) - shardHead
	if n > maxIndexBytes {
		return fmt.Errorf("the index of a shard has %d bytes, more than %d; put fewer samples into a shard (SHARD_SAMPLES)",
			n, maxIndexBytes)
	}
	binary.LittleEndian.PutUint32(packed, skippableMagic)
	binary.LittleEndian.PutUint32(packed[4:], shardHead-8)
	binary.LittleEndian.PutUint32(packed[8:], uint32(n))
	return nil
}

// cutShort returns errCutShort if err reports that a stream ends too early. Otherwise it returns err.
func cutShort(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutShort
	}
	return err
}
