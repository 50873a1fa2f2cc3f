package main

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/reference"
	"github.com/harvest-ml/harvest/shared/scores"
)

// refuseCopies returns an error if two files have the same content, because each of their samples would count twice.
func refuseCopies(names []string, contents [][]byte) error {
	first := map[[sha256.Size]byte]string{}
	for i, content := range contents {
		hash := sha256.Sum256(content)
		if other, twice := first[hash]; twice {
			return usageError{fmt.Errorf("--scores: %s and %s have the same content, so each sample would count twice; "+
				"remove one of them, or name the files by a pattern that only one matches", other, names[i])}
		}
		first[hash] = names[i]
	}
	return nil
}

// dropRepeated returns the content of files without the rows that repeat an earlier row, and records a warning for each
// file with such rows, and with samples that an earlier file has at another place. It returns an error if two rows of a
// sample have different scores.
func (res *fileResult) dropRepeated(names []string, contents [][]byte) ([][]byte, error) {
	kept, repeated, err := scores.WithoutRepeated(names, contents)
	if _, two := errors.AsType[*scores.RepeatedError](err); two {
		return nil, usageError{fmt.Errorf("--scores: %w", err)}
	} else if err != nil {
		return nil, fmt.Errorf("--scores: %w", err)
	}
	for _, r := range repeated {
		found := reference.Finding{File: r.File, Kind: reference.RepeatedRow, Count: r.Count, Idx: r.ID}
		if r.Moved {
			found.Kind = reference.MovedRow
		}
		res.Warnings = append(res.Warnings, found)
	}
	return kept, printFindings(res.warn, res.Warnings)
}
