package images

import "encoding/binary"

// lookupBits is the number of bits that are decoded with one look at a table.
const lookupBits = 10

// huffmanCodes decode the Huffman codes of a JPEG (ISO/IEC 10918-1, F.2.2). A code stands for a symbol: a number of
// zeros, times 16, plus the number of bits of a value that follow the code.
type huffmanCodes struct {
	// lookup has an entry for each sequence of lookupBits bits; 0 if a longer code begins with it.
	lookup [1 << lookupBits]huffmanEntry
	// Of the codes of each length: the first code that is too large, and what is added to a code to get the index of its
	// symbol.
	above  [17]int32
	offset [17]int32
	values []byte
}

// A huffmanEntry has, from the lowest bits: the number of bits of the code (6 bits), whether the value is known
// (entryKnown), the symbol (8 bits from bit 8), and the value (16 bits). If the value is known, its bits are counted,
// too.
type huffmanEntry uint32

const entryKnown huffmanEntry = 1 << 6

// huffman reads tables of codes (B.2.4.2). It reports whether they are valid.
func (b *baseline) huffman(segment []byte) bool {
	for len(segment) > 0 {
		if len(segment) < 17 || segment[0]&^0x11 != 0 {
			return false
		}
		counts, total := segment[1:17], 0
		for _, n := range counts {
			total += int(n)
		}
		if total == 0 || total > 256 || len(segment) < 17+total {
			return false
		}
		codes := &huffmanCodes{values: segment[17 : 17+total]}
		if !codes.fill(counts) {
			return false
		}
		b.codes[segment[0]>>4][segment[0]&15] = codes
		segment = segment[17+total:]
	}
	return true
}

// fill makes the tables of codes, of which there are so many of each length, 1 to 16. It reports whether there are that
// many.
func (h *huffmanCodes) fill(counts []byte) bool {
	code, index := int32(0), int32(0)
	for i, count := range counts {
		length := i + 1
		h.offset[length] = index - code
		for range count {
			if length <= lookupBits {
				h.enter(uint32(code), length, h.values[index])
			}
			code, index = code+1, index+1
		}
		h.above[length] = code
		if code > 1<<length {
			return false
		}
		code <<= 1
	}
	return true
}

// enter adds a short code to the table.
func (h *huffmanCodes) enter(code uint32, length int, symbol byte) {
	spare := lookupBits - length
	size := int(symbol & 15)
	for rest := range uint32(1) << spare {
		e := huffmanEntry(symbol)<<8 | huffmanEntry(length)
		if size > 0 && size <= spare {
			value := extend(uint64(rest)<<(64-spare), size)
			e = huffmanEntry(uint16(value))<<16 | huffmanEntry(symbol)<<8 | entryKnown | huffmanEntry(length+size)
		}
		h.lookup[(code<<spare|rest)&(1<<lookupBits-1)] = e
	}
}

// extend returns the value of the highest 1 to 15 bits (F.2.2.1).
func extend(bits uint64, size int) int32 {
	negative := int32(int64(^bits) >> 63) // all bits are set if the highest bit is not
	return int32(bits>>(64-size)) + negative&(1-1<<size)
}

// A bitReader reads the entropy-coded data of a JPEG.
type bitReader struct {
	data   []byte
	at     int
	next   uint64 // the next bits, the first one highest
	count  int    // the number of bits of next
	padded int    // the number of bits of next, at its end, that are not in the data
}

// fill fills next with more than 56 bits. After the end of the data, or at a marker, it adds zeros.
func (r *bitReader) fill() {
	if r.at+8 <= len(r.data) {
		word := binary.BigEndian.Uint64(r.data[r.at:])
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		if zeros := ^word; (zeros-ones)&word&highs == 0 { // no byte is 0xff
			r.next |= word >> (r.count & 63)
			taken := (63 - r.count) >> 3
			r.at += taken
			r.count += 8 * taken
			return
		}
	}
	for ; r.count <= 56; r.count += 8 {
		if r.at >= len(r.data) {
			r.padded += 8
			continue
		}
		value := r.data[r.at]
		if value == 0xff {
			if r.at+1 >= len(r.data) || r.data[r.at+1] != 0 {
				r.padded += 8
				continue
			}
			r.at++
		}
		r.at++
		r.next |= uint64(value) << (56 - r.count)
	}
}

// ended reports whether all data were read, up to the marker that ends the file.
func (r *bitReader) ended() bool {
	r.fill()
	rest := r.data[r.at:]
	return r.padded > 0 && r.padded <= r.count && r.count-r.padded < 8 &&
		len(rest) >= 2 && rest[0] == 0xff && rest[1] == markerEOI
}

// block reads the coefficients of a block, which has zeros before. before is the first coefficient of the plane's
// previous block. filled says which coefficients are not zero, as zigzag does; the first is not counted. ok is false if
// the data are unusual or damaged.
func (r *bitReader) block(block *coefficients, p *jpegPlane, before *int32) (filled uint16, ok bool) {
	if r.count < 32 {
		r.fill()
	}
	symbol, value := r.symbol(p.dc)
	if symbol > 15 {
		return 0, false
	}
	*before += value
	block[0] = *before * p.quant[0]
	next, count := r.next, r.count
	for at := 1; at < len(block); at++ {
		if count < 32 {
			r.next, r.count = next, count
			r.fill()
			next, count = r.next, r.count
		}
		e := p.ac.lookup[next>>(64-lookupBits)]
		if e&entryKnown != 0 {
			used := int(e & 63)
			next, count = next<<used, count-used
			if at += int(e >> 12 & 15); at >= len(block) {
				return 0, false
			}
			block[zigzag[at].place&63] = int32(e) >> 16 * p.quant[at]
			filled |= zigzag[at].filled
			continue
		}
		r.next, r.count = next, count
		symbol, value = r.symbol(p.ac)
		next, count = r.next, r.count
		switch symbol {
		case 0: // the end of the block
			return filled, r.padded <= count
		case 0xf0: // sixteen zeros, the last one by the loop
			at += 15
		default:
			if at += int(symbol >> 4); at >= len(block) || symbol&15 == 0 {
				return 0, false
			}
			block[zigzag[at].place&63] = value * p.quant[at]
			filled |= zigzag[at].filled
		}
	}
	r.next, r.count = next, count
	return filled, r.padded <= count
}

// symbol reads a code and the value that follows it. next has 32 bits or more. The symbol is 256 if there is no such
// code.
func (r *bitReader) symbol(codes *huffmanCodes) (symbol uint32, value int32) {
	e := codes.lookup[r.next>>(64-lookupBits)]
	used := int(e & 63)
	symbol = uint32(e >> 8 & 0xff)
	if e&entryKnown != 0 {
		r.next, r.count = r.next<<used, r.count-used
		return symbol, int32(e) >> 16
	}
	if e == 0 {
		if symbol, used = codes.long(r.next); used == 0 {
			return 256, 0
		}
	}
	size := int(symbol & 15)
	bits := r.next << used
	r.next, r.count = bits<<size, r.count-used-size
	if size == 0 {
		return symbol, 0
	}
	return symbol, extend(bits, size)
}

// long returns the symbol of a code of more than lookupBits bits, and the number of bits; 0 if there is no such code.
func (h *huffmanCodes) long(bits uint64) (symbol uint32, length int) {
	for length = lookupBits + 1; length < len(h.above); length++ {
		if code := int32(bits >> (64 - length)); code < h.above[length] {
			return uint32(h.values[code+h.offset[length]]), length
		}
	}
	return 0, 0
}
