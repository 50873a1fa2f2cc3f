package compression

import (
	"errors"
	"fmt"
)

// Limits are the limits for the unpacked size of streams, in bytes. With the defaults, one core unpacks a stream in one
// to two minutes, so that one delivery of a task is enough to plan a run. On a shared machine with two cores, one core
// unpacked 250 MB of gzip, 590 MB of zstd, 21 MB of bzip2 and 50 MB of xz a second.
type Limits struct {
	Gzip  int64 `env:"MAX_GZIP_BYTES, default=17179869184" meaning:"size limit of an unpacked gzip manifest, in bytes"`
	Zstd  int64 `env:"MAX_ZSTD_BYTES, default=34359738368" meaning:"size limit of an unpacked zstd manifest, in bytes"`
	Bzip2 int64 `env:"MAX_BZIP2_BYTES, default=2147483648" meaning:"size limit of an unpacked bzip2 manifest, in bytes"`
	XZ    int64 `env:"MAX_XZ_BYTES, default=4294967296" meaning:"size limit of an unpacked xz manifest, in bytes"`

	// Most is a limit for all kinds. By names the origin of this limit. It is empty if only the variables set limits.
	Most int64
	By   string
}

// Validate returns an error that names the variables of limits below 1.
func (l Limits) Validate() error {
	var faults []error
	for _, kind := range []Kind{Gzip, Zstd, Bzip2, XZ} {
		if limit := l.of(kind); limit.Bytes < 1 {
			faults = append(faults, fmt.Errorf("%s: %d; give 1 or more", limit.Variable, limit.Bytes))
		}
	}
	return errors.Join(faults...)
}

// AtMost returns limits of at most this number of bytes for every kind. by names the origin of this number, such as a
// field of an API call.
func (l Limits) AtMost(bytes int64, by string) Limits {
	return Limits{min(l.Gzip, bytes), min(l.Zstd, bytes), min(l.Bzip2, bytes), min(l.XZ, bytes), bytes, by}
}

// of returns the limit of a kind.
func (l Limits) of(kind Kind) LimitError {
	limit := LimitError{l.Gzip, "MAX_GZIP_BYTES"}
	switch kind {
	case Zstd:
		limit = LimitError{l.Zstd, "MAX_ZSTD_BYTES"}
	case Bzip2:
		limit = LimitError{l.Bzip2, "MAX_BZIP2_BYTES"}
	case XZ:
		limit = LimitError{l.XZ, "MAX_XZ_BYTES"}
	default:
	}
	if l.By != "" && limit.Bytes == l.Most {
		limit.Variable = l.By
	}
	return limit
}
