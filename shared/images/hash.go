package images

import (
	"crypto/sha256"
	"encoding/hex"
)

// A Hash is the SHA-256 of an encoded image. Images with equal bytes are one image, whatever their names are.
type Hash [sha256.Size]byte

// HashOf hashes an encoded image.
func HashOf(data []byte) Hash { return sha256.Sum256(data) }

// String returns the hash in 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short returns the first 16 hex digits of the hash, which are enough to distinguish the images of a dataset.
func (h Hash) Short() string { return hex.EncodeToString(h[:8]) }
