package scores

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
)

// A rowKey is a row of a file, with a hash of its sample, and a hash of the sample's id and content.
type rowKey struct {
	hash, content uint64
	file, row     uint32
}

// pairUp finds the rows of equal samples, and the rows that an earlier file has at another place.
func (c *comparison) pairUp(rows []rowKey) {
	for len(rows) > 0 {
		same := 1 // rows with the id and content of the first row
		for same < len(rows) && rows[same].content == rows[0].content {
			same++
		}
		var places []rowKey // the first row of each place
		for _, row := range rows[:same] {
			if last := len(places) - 1; last >= 0 && places[last].hash == row.hash {
				c.pairs = append(c.pairs, [2]rowKey{places[last], row})
				continue
			}
			places = append(places, row)
		}
		first := slices.MinFunc(places, func(a, b rowKey) int { return cmp.Compare(a.file, b.file) }).file
		for _, row := range places {
			if row.file > first {
				c.moved[row.file] = append(c.moved[row.file], int(row.row))
			}
		}
		rows = rows[same:]
	}
}

// rowKeys returns all rows that are not dropped, ordered by the hashes, and then by their place.
func (c *comparison) rowKeys() (rows []rowKey, err error) {
	seed := maphash.MakeSeed()
	for number, file := range c.files {
		samples, err := readSamples(file, seed, "content")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.names[number], err)
		}
		rows = slices.Grow(rows, len(samples.hashes))
		for i, hash := range samples.hashes {
			if _, dropped := slices.BinarySearch(c.drop[number], i); !dropped {
				rows = append(rows, rowKey{hash, samples.contents[i], uint32(number), uint32(i)})
			}
		}
	}
	slices.SortFunc(rows, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.content, b.content), cmp.Compare(a.hash, b.hash), cmp.Compare(a.file, b.file),
			cmp.Compare(a.row, b.row))
	})
	return rows, nil
}

// dropFailed drops the rows without scores of samples that another row has scores of. The images of such a sample were
// perhaps not found, so the contents of the two rows may differ: the signature of the text is compared.
func (c *comparison) dropFailed() error {
	seed := maphash.MakeSeed()
	var failed []rowKey
	for number, file := range c.files {
		some, err := hasFailed(file)
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		} else if !some {
			continue
		}
		samples, err := readSamples(file, seed, "text_signature")
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		}
		for i, hash := range samples.hashes {
			if samples.status[i] != OK {
				failed = append(failed, rowKey{hash: hash, file: uint32(number), row: uint32(i)})
			}
		}
	}
	if len(failed) == 0 {
		return nil
	}
	scored := make(map[uint64]bool, len(failed)) // of the failed samples alone
	for _, key := range failed {
		scored[key.hash] = false
	}
	for number, file := range c.files {
		samples, err := readSamples(file, seed, "text_signature")
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		}
		for i, hash := range samples.hashes {
			if _, asked := scored[hash]; asked && samples.status[i] == OK {
				scored[hash] = true
			}
		}
	}
	for _, key := range failed {
		if scored[key.hash] {
			c.drop[key.file] = append(c.drop[key.file], int(key.row))
		}
	}
	return nil
}

// hasFailed reports whether a file has a row without scores. It reads only the column of statuses.
func hasFailed(file []byte) (some bool, err error) {
	defer recoverBad("reading statuses of scores", &err)
	f, err := open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return false, err
	}
	status, err := statuses.column(f, "status", 0)
	return slices.ContainsFunc(status, func(s Status) bool { return s != OK }), err
}

// fileSamples are the samples of the rows of a file: a hash of the id and one more column, a hash of these and the
// place, and the status.
type fileSamples struct {
	contents, hashes []uint64
	status           []Status
}

// readSamples reads the samples of a file.
func readSamples(file []byte, seed maphash.Seed, column string) (s fileSamples, err error) {
	defer recoverBad("reading samples of scores", &err)
	f, err := open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return s, err
	}
	status, failedStatus := statuses.column(f, "status", 0)
	ids, failedIDs := texts.column(f, "id", "")
	contents, failedContents := texts.column(f, column, "")
	ranges, failedRanges := integers.column(f, "range_index", 0)
	positions, failedPositions := integers.column(f, "position", 0)
	if err := errors.Join(failedStatus, failedIDs, failedContents, failedRanges, failedPositions); err != nil {
		return s, err
	}
	s = fileSamples{make([]uint64, len(ids)), make([]uint64, len(ids)), status}
	var text []byte
	for i, id := range ids {
		text = append(append(append(text[:0], id...), 0), contents[i]...)
		s.contents[i] = maphash.Bytes(seed, text)
		text = strconv.AppendInt(append(text, 0), int64(ranges[i]), 10)
		text = strconv.AppendInt(append(text, 0), int64(positions[i]), 10)
		s.hashes[i] = maphash.Bytes(seed, text)
	}
	return s, nil
}
