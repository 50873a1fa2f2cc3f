package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// eachSample reads manifests once, in order, and calls use for every record with the number of its manifest, all of
// those with one id included.
func eachSample(manifests []string, limits dataset.Limits, use func(manifest int, s *dataset.Sample) error) error {
	for i, name := range manifests {
		if err := eachOf(name, limits, func(s *dataset.Sample) error { return use(i, s) }); err != nil {
			return fmt.Errorf("manifest %s: %w", name, err)
		}
	}
	return nil
}

func eachOf(manifest string, limits dataset.Limits, use func(*dataset.Sample) error) error {
	file, err := os.Open(manifest)
	if err != nil {
		return err
	}
	defer file.Close()
	layout, err := dataset.Split(file, math.MaxInt64)
	if err != nil {
		return err
	}
	for _, span := range layout.Ranges {
		if _, err := file.Seek(span.Start, io.SeekStart); err != nil {
			return err
		}
		reader, err := dataset.NewReader(file, layout.Format, span, filepath.Base(manifest), dataset.Options{
			DuplicateIDs: dataset.KeepDuplicates, Limits: limits,
		})
		if err != nil {
			return err
		}
		for {
			sample, err := reader.Next()
			if err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			if err := use(sample); err != nil {
				return err
			}
		}
	}
	return nil
}
