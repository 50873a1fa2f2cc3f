package main

import (
	"archive/tar"
	"errors"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/export"
)

// shardLimits are the limits of each of several tars. A tar ends with the sample that reaches a limit.
type shardLimits struct {
	samples int
	bytes   int64 // maximum size of records and images
}

// tarShards writes a subset as several WebDataset tars in one folder. The numbers of keys continue from one tar to the
// next.
type tarShards struct {
	*tarSubset
	dir     string
	limits  shardLimits
	file    *os.File // the current tar; nil before the first sample, and between two tars
	number  int      // number of tars so far
	samples int      // samples in the current tar
	bytes   int64
}

func newTarShards(dir string, limits shardLimits) *tarShards {
	return &tarShards{tarSubset: &tarSubset{}, dir: dir, limits: limits}
}

// write adds a sample to the current tar, or to the next tar.
func (t *tarShards) write(record []byte, s *dataset.Sample, shown [][]byte) error {
	if t.file == nil {
		if err := t.open(); err != nil {
			return err
		}
	}
	if err := t.tarSubset.write(record, s, shown); err != nil {
		return err
	}
	t.samples++
	t.bytes += int64(len(record))
	for _, data := range shown {
		t.bytes += int64(len(data))
	}
	if t.samples < t.limits.samples && t.bytes < t.limits.bytes {
		return nil
	}
	return t.end()
}

// open begins the next tar.
func (t *tarShards) open() (err error) {
	if t.file, err = os.Create(filepath.Join(t.dir, export.Shard(t.number))); err != nil {
		return err
	}
	t.archive = tar.NewWriter(t.file)
	t.number++
	t.samples, t.bytes = 0, 0
	return nil
}

// end ends the current tar, if there is one.
func (t *tarShards) end() error {
	if t.file == nil {
		return nil
	}
	err := errors.Join(t.archive.Close(), t.file.Sync(), t.file.Close())
	t.file = nil
	return err
}

func (t *tarShards) close() error { return t.end() }

// abandon closes the file of an incomplete tar after an error.
func (t *tarShards) abandon() {
	if t.file != nil {
		_ = t.file.Close() // the file is deleted
		t.file = nil
	}
}
