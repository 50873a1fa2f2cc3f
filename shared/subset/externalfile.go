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

// StoreExternal stores a file of numbers in the work bucket, compressed, once for equal content, and returns the
// ScoresFrom that names it. If the content is invalid, the error is that of external.Parse.
func StoreExternal(ctx context.Context, work bucket.Bucket, data []byte) (string, error) {
	hash := hashOf(data)
	if kept, err := bucket.Exists(ctx, work, externalName(hash)); kept || err != nil { // it was parsed when it was stored
		return selection.ExternalPrefix + hash, err
	}
	if _, err := external.Parse(data); err != nil {
		return "", err
	}
	_, err := bucket.CreateOnce(ctx, work, externalName(hash), func(w io.Writer) error {
		packer, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("compressing a file of numbers: %w", err)
		}
		_, err = packer.Write(data)
		return errors.Join(err, packer.Close())
	})
	return selection.ExternalPrefix + hash, err
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

// externalFile is the content of a file of numbers. Earlier versions did not compress it.
func (r *Reader) externalFile(ctx context.Context, hash string) ([]byte, error) {
	name := externalName(hash)
	data, err := bucket.ReadAll(ctx, r.work, name)
	if err != nil {
		return nil, err
	}
	if compression.Of(data) == compression.Zstd {
		var whole bytes.Buffer
		err = compression.Unpack(&whole, bytes.NewReader(data), compression.Zstd, compression.Limits{Zstd: external.MaxBytes})
		data = whole.Bytes()
	}
	if err == nil && hashOf(data) != hash {
		err = errors.New("its SHA-256 is not that of its name")
	}
	if err != nil {
		return nil, bucket.LostAlone(r.work, name, "give the file of scores_from again",
			fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
	}
	return data, nil
}
