package subset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/klauspost/compress/zstd"
)

// StoreExternal stores a file of numbers, which may be compressed, in the work bucket, and returns the ScoresFrom that
// names it. Equal content is stored only once. If all stored objects of this content are damaged, it stores another
// object. If the content is invalid, the error is that of external.Unpack or external.Parse.
func StoreExternal(ctx context.Context, work bucket.Bucket, data []byte) (string, error) {
	data, err := external.Unpack(data)
	if err != nil {
		return "", err
	}
	hash := hashOf(data)
	first := func() (string, error) {
		missing, _, err := firstExternal(ctx, work, hash)
		return missing, err
	}
	if _, err := first(); err == nil { // it was parsed when it was stored
		return selection.ExternalPrefix + hash, nil
	} else if !noneWhole(err) {
		return "", err
	}
	if _, err := external.Parse(data); err != nil {
		return "", err
	}
	return selection.ExternalPrefix + hash, createWhole(ctx, work, first, func(w io.Writer) error {
		packer, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("compressing a file of numbers: %w", err)
		}
		_, err = packer.Write(data)
		return errors.Join(err, packer.Close())
	})
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// hashPattern is the pattern of a SHA-256 in hexadecimal digits.
var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// externalTable reads a file of numbers that StoreExternal stored.
func (r *Reader) externalTable(ctx context.Context, hash string) (*external.Table, error) {
	unknown := &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s%s is unknown; give the file again",
		selection.ExternalPrefix, hash)}
	if !hashPattern.MatchString(hash) {
		return nil, unknown
	}
	_, data, err := firstExternal(ctx, r.work, hash)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, unknown
	} else if err != nil {
		return nil, err
	}
	table, err := external.Parse(data)
	if _, content := errors.AsType[*external.Error](err); content { // another version of Harvest accepted it
		return nil, &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s%s: %v", selection.ExternalPrefix, hash, err)}
	}
	return table, err
}

// firstExternal returns the content of the first object of a file of numbers that is not damaged. If there is none,
// missing and the error are those of firstWhole. If all objects are damaged, the error is a *bucket.LostError.
func firstExternal(ctx context.Context, work bucket.Reader, hash string) (missing string, content []byte, err error) {
	name := func(n int) string { return externalName(hash, n) }
	missing, err = firstWhole(name, func(name string) (err error) {
		content, err = readExternal(ctx, work, name, hash)
		return err
	})
	return missing, content, err
}

func readExternal(ctx context.Context, work bucket.Reader, name, hash string) ([]byte, error) {
	data, err := bucket.ReadAll(ctx, work, name)
	if err == nil {
		data, err = unpackExternal(data)
		if err == nil && hashOf(data) != hash {
			err = errors.New("its SHA-256 differs from that in its name")
		}
		if err == nil {
			return data, nil
		}
		err = fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err)
	}
	if errors.Is(err, bucket.ErrDamaged) {
		err = bucket.LostAlone(work, name, "give the file of scores_from again", err)
	}
	return nil, err
}

// unpackExternal returns the content of an object. Earlier versions did not compress the content.
func unpackExternal(data []byte) ([]byte, error) {
	if compression.Of(data) != compression.Zstd {
		return data, nil
	}
	var whole bytes.Buffer
	limits := compression.Limits{Zstd: external.MaxBytes}
	err := compression.Unpack(&whole, bytes.NewReader(data), compression.Zstd, limits)
	return whole.Bytes(), err
}
