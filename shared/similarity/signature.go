// Package similarity finds images and texts that are nearly equal: copies of an image that were stored again, made
// smaller or without colour, and questions in nearly the same words. It makes signatures of pixels and words, and
// compares the signatures. README.md has its abilities and limits.
//
// Signatures are stored with scores. Signatures that were made in different ways must not be compared. So if you change
// the code that makes them, raise run.LayoutVersion.
package similarity

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Bits is the length of a signature.
const Bits = 256

// A Signature has 256 bits of an image or of a text. The more similar two images or texts are, the fewer bits of their
// signatures differ. The zero Signature is for an image or a text that cannot be compared, such as a white image or a
// text without words. It is not near to any signature.
type Signature [Bits / 64]uint64

// IsZero reports whether s is the zero Signature, which cannot be compared.
func (s Signature) IsZero() bool { return s == Signature{} }

// Distance returns the number of bits, 0 to 256, in which two signatures differ.
func (s Signature) Distance(other Signature) int {
	return bits.OnesCount64(s[0]^other[0]) + bits.OnesCount64(s[1]^other[1]) +
		bits.OnesCount64(s[2]^other[2]) + bits.OnesCount64(s[3]^other[3])
}

// Within reports whether two signatures differ in at most `most` bits, and neither is zero.
func (s Signature) Within(other Signature, most int) bool {
	return !s.IsZero() && !other.IsZero() && s.Distance(other) <= most
}

// set sets bit i.
func (s *Signature) set(i int) { s[i/64] |= 1 << (i % 64) }

// append appends the signature's 32 bytes.
func (s Signature) append(to []byte) []byte {
	for _, word := range s {
		to = binary.LittleEndian.AppendUint64(to, word)
	}
	return to
}

// signatureOf returns the signature of the first 32 bytes of data.
func signatureOf(data []byte) (s Signature) {
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	return s
}

// String returns the signature in base64; empty for the zero Signature.
func (s Signature) String() string {
	if s.IsZero() {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(s.append(nil))
}

// ParseSignature reads the text that Signature.String returns.
func ParseSignature(text string) (s Signature, err error) {
	if text == "" {
		return s, nil
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(data) != Bits/8 {
		return s, fmt.Errorf("%q is not a signature", text)
	}
	return signatureOf(data), nil
}
