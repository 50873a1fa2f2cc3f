package dataset

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/klauspost/compress/zstd"
)

// A shardIndex has all data of the records of a shard except their bytes. The records are of one manifest and in its
// order.
type shardIndex struct {
	Manifest string `json:"manifest"`      // Place.Manifest of all records
	Element  int64  `json:"first_element"` // Place.Element of the first record
	// Steps has, for each record, the difference between its first line and that of the previous record; for the first
	// record, its line. Differences compress better than line numbers.
	Steps []int64 `json:"line_steps"`
	// Skips has, for each record, the number of records of the manifest that are left out before it. It is empty if no
	// records are left out.
	Skips []int64 `json:"skips,omitempty"`
	// Bytes has the length of each record; 0 for a record that the shard does not contain.
	Bytes []int `json:"bytes"`
	// Faults are the faults of the records that the shard does not contain, in order.
	Faults []*Fault `json:"faults,omitempty"`
	// Keys has Place.Key of each record. Stored has its position in a container: offset and length of the record, then of
	// each of its values. Keys is empty if no record has a key, and Stored if no record has a position.
	Keys   []string  `json:"keys,omitempty"`
	Stored [][]int64 `json:"stored,omitempty"`
}

func newShardIndex(samples []Sample) (*shardIndex, error) {
	index := &shardIndex{Steps: make([]int64, len(samples)), Bytes: make([]int, len(samples))}
	index.store(samples)
	line, element := int64(0), int64(0)
	for i := range samples {
		s := &samples[i]
		if i == 0 {
			index.Manifest, index.Element, element = s.Place.Manifest, s.Place.Element, s.Place.Element
		}
		skipped := s.Place.Element - element
		if s.Place.Manifest != index.Manifest || skipped < 0 {
			return nil, fmt.Errorf("writing a shard: %v does not follow %v", s.Place, samples[i-1].Place)
		}
		if skipped > 0 && index.Skips == nil {
			index.Skips = make([]int64, len(samples))
		}
		if index.Skips != nil {
			index.Skips[i] = skipped
		}
		element = s.Place.Element + 1
		index.Steps[i], line = s.Place.Line-line, s.Place.Line
		index.Bytes[i] = len(s.Raw)
		if len(s.Raw) > 0 {
			continue
		}
		if s.Problem == nil {
			return nil, fmt.Errorf("writing sample %s to a shard: it has no record and no problem", s.ID)
		}
		index.Faults = append(index.Faults, &s.Problem.Fault)
	}
	return index, nil
}

// appendTo appends the JSON of the index and a line break to text. The bytes equal those of encoding/json, which takes
// ten times as long.
func (x *shardIndex) appendTo(text []byte) []byte {
	text = jsontext.Append(append(text, `{"manifest":`...), x.Manifest)
	text = strconv.AppendInt(append(text, `,"first_element":`...), x.Element, 10)
	text = appendList(append(text, `,"line_steps":`...), x.Steps)
	if len(x.Skips) > 0 {
		text = appendList(append(text, `,"skips":`...), x.Skips)
	}
	text = appendList(append(text, `,"bytes":`...), x.Bytes)
	if len(x.Faults) > 0 {
		text = jsontext.Append(append(text, `,"faults":`...), x.Faults)
	}
	if len(x.Keys) > 0 {
		text = jsontext.Append(append(text, `,"keys":`...), x.Keys)
	}
	if len(x.Stored) > 0 {
		text = jsontext.Append(append(text, `,"stored":`...), x.Stored)
	}
	return append(text, "}\n"...)
}

func appendList[T int | int64](text []byte, list []T) []byte {
	text = append(text, '[')
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(n), 10)
	}
	return append(text, ']')
}

// store adds the keys and positions of records in a container.
func (x *shardIndex) store(samples []Sample) {
	for i := range samples {
		if key := samples[i].Place.Key; key != "" {
			if x.Keys == nil {
				x.Keys = make([]string, len(samples))
			}
			x.Keys[i] = key
		}
		if stored := samples[i].Stored; stored.Extent != (Extent{}) || stored.Values != nil {
			if x.Stored == nil {
				x.Stored = make([][]int64, len(samples))
			}
			numbers := []int64{stored.Offset, stored.Bytes}
			for _, value := range stored.Values {
				numbers = append(numbers, value.Offset, value.Bytes)
			}
			x.Stored[i] = numbers
		}
	}
}

// stored returns the position of the i-th record in a container.
func (x *shardIndex) stored(i int) Stored {
	if len(x.Stored) == 0 || len(x.Stored[i]) == 0 {
		return Stored{}
	}
	numbers := x.Stored[i]
	s := Stored{Extent: Extent{numbers[0], numbers[1]}}
	for v := 2; v < len(numbers); v += 2 {
		s.Values = append(s.Values, Extent{numbers[v], numbers[v+1]})
	}
	return s
}

// size returns the total length of the records in bytes.
func (x *shardIndex) size() (size int) {
	for _, n := range x.Bytes {
		size += n
	}
	return size
}

// readIndex reads the first two frames of a shard.
func (s *ShardReader) readIndex(r io.Reader) (*shardIndex, error) {
	var head [shardHead]byte
	switch n, err := io.ReadFull(r, head[:]); {
	case n == 0 && err == io.EOF:
		return nil, errors.New("the object is empty")
	case err != nil:
		return nil, cutShort(err)
	}
	n := binary.LittleEndian.Uint32(head[8:])
	if binary.LittleEndian.Uint32(head[:]) != skippableMagic ||
		binary.LittleEndian.Uint32(head[4:]) != shardHead-8 || n > maxIndexBytes {
		return nil, errors.New("it does not begin like a shard")
	}
	packed, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return nil, err
	}
	if len(packed) < int(n) {
		return nil, errCutShort
	}
	if s.index == nil {
		s.index, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxIndexBytes))
		if err != nil {
			return nil, err
		}
	}
	if s.text, err = s.index.DecodeAll(packed, s.text[:0]); err != nil {
		return nil, fmt.Errorf("its index: %w", cutShort(err))
	}
	index := new(shardIndex)
	if err := json.Unmarshal(s.text, index); err != nil {
		return nil, fmt.Errorf("its index: %w", err)
	}
	return index, index.check()
}

// check returns an error if the parts of the index contradict each other.
func (x *shardIndex) check() error {
	faults := 0
	for _, n := range x.Bytes {
		if n < 0 {
			return errors.New("its index has a negative length of a record")
		}
		if n == 0 {
			faults++
		}
	}
	for _, fault := range x.Faults {
		if fault == nil {
			return errors.New("its index has an empty fault")
		}
	}
	if len(x.Skips) > 0 && (len(x.Skips) != len(x.Bytes) || slices.Min(x.Skips) < 0) {
		return fmt.Errorf("its index has the skips of %d records and the lengths of %d records, or a negative skip",
			len(x.Skips), len(x.Bytes))
	}
	if len(x.Steps) != len(x.Bytes) || len(x.Faults) != faults {
		return fmt.Errorf("its index has the lines of %d records, the lengths of %d records, and %d faults instead of %d",
			len(x.Steps), len(x.Bytes), len(x.Faults), faults)
	}
	return x.checkStored()
}

// checkStored returns an error if the keys or positions do not fit the number of records.
func (x *shardIndex) checkStored() error {
	if n := len(x.Keys); n > 0 && n != len(x.Bytes) {
		return fmt.Errorf("its index has the keys of %d records, and the lengths of %d records", n, len(x.Bytes))
	}
	if n := len(x.Stored); n > 0 && n != len(x.Bytes) {
		return fmt.Errorf("its index has the positions of %d records, and the lengths of %d records", n, len(x.Bytes))
	}
	for _, numbers := range x.Stored {
		if len(numbers)%2 > 0 || slices.ContainsFunc(numbers, func(n int64) bool { return n < 0 }) {
			return errors.New("its index has an invalid position of a record")
		}
	}
	return nil
}

// records yields the number of each record, from 0, and its data in the index.
func (x *shardIndex) records() iter.Seq2[int, Record] {
	return func(yield func(int, Record) bool) {
		place, faults := Place{Manifest: x.Manifest, Element: x.Element}, x.Faults
		for i, step := range x.Steps {
			place.Line += step
			if len(x.Skips) > 0 {
				place.Element += x.Skips[i]
			}
			if len(x.Keys) > 0 {
				place.Key = x.Keys[i]
			}
			record := Record{Place: place, Stored: x.stored(i)}
			if x.Bytes[i] == 0 {
				record.Fault, faults = faults[0], faults[1:]
			}
			if !yield(i, record) {
				return
			}
			place.Element++
		}
	}
}
