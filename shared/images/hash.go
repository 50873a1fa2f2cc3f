package images

import (
	"crypto/sha256"
	"encoding/hex"
)

// A Hash is the SHA-256 of an encoded image. Images of equal bytes are one image, whatever their names.
type Hash [sha256.Size]byte

// HashOf hashes an encoded image.
func HashOf(data []byte) Hash { return sha256.Sum256(data) }

// String is the hash in 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short is the hash's first 16 hex digits, which are enough to distinguish the images of a dataset.
func (h Hash) Short() string { return hex.EncodeToString(h[:8]) }
