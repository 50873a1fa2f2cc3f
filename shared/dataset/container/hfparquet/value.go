package hfparquet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// maxDecimalBytes is the largest length of a decimal that is written as a number.
const maxDecimalBytes = 64

// appendValue appends the JSON of a value that is not null. NaN and infinite numbers, which JSON does not have, become
// null.
func appendValue(out []byte, c *column, raw []byte) []byte {
	switch c.Type {
	case format.Boolean:
		return strconv.AppendBool(out, raw[0] != 0)
	case format.Int32:
		return appendInt(out, c.element, int64(int32(binary.LittleEndian.Uint32(raw))), 32)
	case format.Int64:
		return appendInt(out, c.element, int64(binary.LittleEndian.Uint64(raw)), 64)
	case format.Int96:
		return appendInt96(out, raw)
	case format.Float:
		return appendFloat(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), 32)
	case format.Double:
		return appendFloat(out, math.Float64frombits(binary.LittleEndian.Uint64(raw)), 64)
	case format.ByteArray:
		return appendByteArray(out, c.element, raw)
	default:
		return appendFixed(out, c, raw)
	}
}

func appendByteArray(out []byte, e *format.SchemaElement, raw []byte) []byte {
	if isDecimal(e) && len(raw) <= maxDecimalBytes {
		return appendDecimal(out, bigEndian(raw), scaleOf(e))
	} else if isDecimal(e) {
		return appendBytes(out, raw)
	}
	_, isJSON := e.LogicalType.Value.(*format.JsonType)
	if (isJSON || e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Json) && json.Valid(raw) {
		b := bytes.NewBuffer(out)
		_ = json.Compact(b, raw) // it is valid
		return b.Bytes()
	}
	return appendText(out, string(raw))
}

func appendFixed(out []byte, c *column, raw []byte) []byte {
	switch c.element.LogicalType.Value.(type) {
	case *format.Float16Type:
		return appendFloat(out, float16(binary.LittleEndian.Uint16(raw)), 32)
	case *format.UUIDType:
		if len(raw) == 16 {
			t := hex.EncodeToString(raw)
			return appendText(out, t[:8]+"-"+t[8:12]+"-"+t[12:16]+"-"+t[16:20]+"-"+t[20:])
		}
	}
	if isDecimal(c.element) && len(raw) <= maxDecimalBytes {
		return appendDecimal(out, bigEndian(raw), scaleOf(c.element))
	}
	return appendBytes(out, raw)
}

// appendText appends a text. It keeps bytes that are not UTF-8, so that the check of the record finds them.
func appendText(out []byte, text string) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(out, text[start:]...), '"')
}

// appendInt appends a number, or the value that its annotation defines, such as a date.
func appendInt(out []byte, e *format.SchemaElement, v int64, bits int) []byte {
	switch t := e.LogicalType.Value.(type) {
	case *format.IntType:
		if !t.IsSigned {
			return strconv.AppendUint(out, unsigned(v, bits), 10)
		}
		return strconv.AppendInt(out, v, 10)
	case *format.DateType:
		return appendTime(out, time.Unix(v*86400, 0), time.DateOnly)
	case *format.TimestampType:
		return appendStamp(out, at(v, t.Unit), t.IsAdjustedToUTC)
	case *format.TimeType:
		return appendTime(out, at(v, t.Unit), "15:04:05.999999999")
	}
	if isDecimal(e) {
		return appendDecimal(out, big.NewInt(v), scaleOf(e))
	}
	if !e.ConvertedType.Valid {
		return strconv.AppendInt(out, v, 10)
	}
	switch e.ConvertedType.V {
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return strconv.AppendUint(out, unsigned(v, bits), 10)
	case deprecated.Date:
		return appendTime(out, time.Unix(v*86400, 0), time.DateOnly)
	case deprecated.TimestampMillis:
		return appendStamp(out, time.UnixMilli(v), true)
	case deprecated.TimestampMicros:
		return appendStamp(out, time.UnixMicro(v), true)
	case deprecated.TimeMillis:
		return appendTime(out, time.UnixMilli(v), "15:04:05.999999999")
	case deprecated.TimeMicros:
		return appendTime(out, time.UnixMicro(v), "15:04:05.999999999")
	default:
		return strconv.AppendInt(out, v, 10)
	}
}

func unsigned(v int64, bits int) uint64 {
	if bits == 32 {
		return uint64(uint32(v))
	}
	return uint64(v)
}

func at(v int64, unit format.TimeUnit) time.Time {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(v)
	case *format.MicroSeconds:
		return time.UnixMicro(v)
	default:
		return time.Unix(0, v)
	}
}

// appendStamp appends a time. A time that is not in UTC is written without a zone.
func appendStamp(out []byte, t time.Time, isUTC bool) []byte {
	if isUTC {
		return appendTime(out, t, time.RFC3339Nano)
	}
	return appendTime(out, t, "2006-01-02T15:04:05.999999999")
}

func appendTime(out []byte, t time.Time, layout string) []byte {
	out = append(out, '"')
	out = t.UTC().AppendFormat(out, layout)
	return append(out, '"')
}

// appendInt96 appends a time in the format of old writers: nanoseconds of a day, and the Julian day.
func appendInt96(out, raw []byte) []byte {
	const epoch = 2440588 // the Julian day of 1970-01-01
	nanos := int64(binary.LittleEndian.Uint64(raw))
	days := int64(binary.LittleEndian.Uint32(raw[8:])) - epoch
	return appendStamp(out, time.Unix(days*86400, 0).Add(time.Duration(nanos)), false)
}

// appendFloat appends a number in the form of encoding/json.
func appendFloat(out []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(out, "null"...)
	}
	verb, size := byte('f'), math.Abs(v)
	if size != 0 && (size < 1e-6 || size >= 1e21) {
		verb = 'e'
	}
	return strconv.AppendFloat(out, v, verb, -1, bits)
}

// float16 decodes an IEEE 754 half-precision number.
func float16(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction > 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	default:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	}
}

func scaleOf(e *format.SchemaElement) int {
	scale := e.Scale.V
	if t, ok := e.LogicalType.Value.(*format.DecimalType); ok {
		scale = t.Scale
	}
	return int(min(max(scale, 0), 1024))
}

// bigEndian decodes a number in two's complement.
func bigEndian(raw []byte) *big.Int {
	v := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return v
}

// appendDecimal appends unscaled / 10^scale with all its digits.
func appendDecimal(out []byte, unscaled *big.Int, scale int) []byte {
	if unscaled.Sign() < 0 {
		out = append(out, '-')
	}
	digits := new(big.Int).Abs(unscaled).String()
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	out = append(out, digits[:len(digits)-scale]...)
	if scale > 0 {
		out = append(append(out, '.'), digits[len(digits)-scale:]...)
	}
	return out
}
