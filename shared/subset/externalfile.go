package subset

import (
	"bytes"
	"cmp"
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

// StoreExternal stores a file of numbers in the work bucket, compressed, once for equal content, and returns the
// ScoresFrom that names it. If only damaged objects are stored, it stores another one. If the content is invalid, the
// error is that of external.Parse.
func StoreExternal(ctx context.Context, work bucket.Bucket, data []byte) (string, error) {
	hash := hashOf(data)
	for parsed := false; ; {
		missing, err := firstExternal(ctx, work, hash, func(content []byte) error { return checkHash(content, hash) })
		if err == nil { // it was parsed when it was stored
			return selection.ExternalPrefix + hash, nil
		} else if !errors.Is(err, bucket.ErrNotExist) && !errors.Is(err, bucket.ErrDamaged) {
			return "", err
		}
		if !parsed {
			if _, err := external.Parse(data); err != nil {
				return "", err
			}
			parsed = true
		}
		created, err := bucket.CreateOnce(ctx, work, missing, func(w io.Writer) error {
			packer, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			if err != nil {
				return fmt.Errorf("compressing a file of numbers: %w", err)
			}
			_, err = packer.Write(data)
			return errors.Join(err, packer.Close())
		})
		if created || err != nil {
			return selection.ExternalPrefix + hash, err
		}
	}
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// hashPattern is the pattern of a SHA-256 in hexadecimal digits.
var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// externalTable reads a file of numbers that StoreExternal stored.
func (r *Reader) externalTable(ctx context.Context, hash string) (*external.Table, error) {
	unknown := &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s%s is not known here; give the file again",
		selection.ExternalPrefix, hash)}
	if !hashPattern.MatchString(hash) {
		return nil, unknown
	}
	data, err := r.externalFile(ctx, hash)
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

// externalFile is the content of a file of numbers.
func (r *Reader) externalFile(ctx context.Context, hash string) (data []byte, err error) {
	_, err = firstExternal(ctx, r.work, hash, func(content []byte) error {
		data = content
		return checkHash(content, hash)
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// firstExternal calls check with the contents of the objects of a file of numbers, until one has no error. The error is
// bucket.ErrNotExist if there is no object, a *bucket.LostError if all are damaged; missing is then the name of the
// next object.
func firstExternal(
	ctx context.Context, work bucket.Reader, hash string, check func(content []byte) error,
) (missing string, err error) {
	var damaged error
	for n := 1; ; n++ {
		name := externalName(hash, n)
		data, err := bucket.ReadAll(ctx, work, name)
		switch {
		case errors.Is(err, bucket.ErrNotExist):
			return name, cmp.Or(damaged, err)
		case err == nil:
			if data, err = unpackExternal(data); err == nil {
				err = check(data)
			}
			if err == nil {
				return "", nil
			}
			err = fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err)
		}
		if !errors.Is(err, bucket.ErrDamaged) {
			return "", err
		}
		damaged = bucket.LostAlone(work, name, "give the file of scores_from again", err)
	}
}

// unpackExternal is the content of an object. Earlier versions did not compress it.
func unpackExternal(data []byte) ([]byte, error) {
	if compression.Of(data) != compression.Zstd {
		return data, nil
	}
	var whole bytes.Buffer
	limits := compression.Limits{Zstd: external.MaxBytes}
	err := compression.Unpack(&whole, bytes.NewReader(data), compression.Zstd, limits)
	return whole.Bytes(), err
}

func checkHash(content []byte, hash string) error {
	if hashOf(content) != hash {
		return errors.New("its SHA-256 is not that of its name")
	}
	return nil
}
