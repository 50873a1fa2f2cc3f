// Package similarity finds images and texts that are nearly equal: copies of an image that were stored again, smaller
// or without colour, and questions in nearly the same words. It reads pixels and words, and compares signatures of
// them. README.md says what it can find, and what it cannot.
//
// Signatures are stored with scores. Those that were made in two ways must not be compared: a change of how they are
// made is one of run.LayoutVersion.
package similarity

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Bits is the length of a signature.
const Bits = 256

// A Signature is 256 bits of an image or of a text. The more nearly equal two are, the fewer bits differ. The zero
// Signature is of something that says too little to be compared, such as a white image or a text without words: it is
// near to nothing.
type Signature [Bits / 64]uint64

// IsZero says whether there is nothing to compare.
func (s Signature) IsZero() bool { return s == Signature{} }

// Distance is the number of bits, 0 to 256, in which two signatures differ.
func (s Signature) Distance(other Signature) int {
	return bits.OnesCount64(s[0]^other[0]) + bits.OnesCount64(s[1]^other[1]) +
		bits.OnesCount64(s[2]^other[2]) + bits.OnesCount64(s[3]^other[3])
}

// Within says whether two signatures say anything and differ in this many bits at most.
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

// signatureOf is the signature of the first 32 bytes of data.
func signatureOf(data []byte) (s Signature) {
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	return s
}

// String is the signature in base64; empty for the zero one.
func (s Signature) String() string {
	if s.IsZero() {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(s.append(nil))
}

// ParseSignature reads what String wrote.
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
