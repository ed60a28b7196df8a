package signature

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/wxsign/wxsign/service/snapshot"
)

// AppendJSON appends what Answer encodes to, with "&", "<" and ">" as they are.
// Encoding by reflection would take longer than signing.
func (c Config) AppendJSON(b []byte) []byte {
	if c.Kind == snapshot.KindAgentConfig {
		return c.appendAgentConfig(b)
	}
	b = AppendText(append(b, `{"appId":`...), c.AppID)
	b = strconv.AppendInt(append(b, `,"timestamp":`...), c.Timestamp, 10)
	b = AppendText(append(b, `,"nonceStr":`...), c.NonceStr)
	b = AppendText(append(b, `,"signature":`...), c.Signature)
	b = AppendText(append(b, `,"url":`...), c.URL)
	b = appendTexts(append(b, `,"jsApiList":`...), c.JSAPIList)
	b = appendTexts(append(b, `,"openTagList":`...), c.OpenTagList)
	b = strconv.AppendBool(append(b, `,"debug":`...), c.Debug)
	if c.Beta {
		b = append(b, `,"beta":true`...)
	}
	return append(b, '}')
}

func (c Config) appendAgentConfig(b []byte) []byte {
	b = AppendText(append(b, `{"corpid":`...), c.AppID)
	b = AppendText(append(b, `,"agentid":`...), c.AgentID)
	b = strconv.AppendInt(append(b, `,"timestamp":`...), c.Timestamp, 10)
	b = AppendText(append(b, `,"nonceStr":`...), c.NonceStr)
	b = AppendText(append(b, `,"signature":`...), c.Signature)
	b = appendTexts(append(b, `,"jsApiList":`...), c.JSAPIList)
	b = AppendText(append(b, `,"url":`...), c.URL)
	return append(b, '}')
}

// appendTexts writes a list; a nil one is null.
func appendTexts(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, text)
	}
	return append(b, ']')
}

// AppendText appends a text as JSON has it, with "&", "<" and ">" as they are.
// Nearly all texts need no escape.
func AppendText(b []byte, text string) []byte {
	if !isPlain(text) {
		return appendEscaped(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// isPlain reports whether a text is visible ASCII without quotes and backslashes. It
// looks at eight bytes at once: tokens and pages are long, and one at a time takes as
// long as a third of a signature's SHA-1.
func isPlain(text string) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= wordSize; text = text[wordSize:] {
		w := word(text)
		quotes, slashes := w^('"'*each), w^('\\'*each) // 0 where one is
		// A byte's highest bit says that it is beyond ASCII, or was carried into: below ' ',
		// above '~', 0.
		if (w|(w-' '*each)|(w+each)|(quotes-each)|(slashes-each))&high != 0 {
			return false
		}
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// wordSize is in bytes.
const wordSize = 8

// word is the first bytes of a text; the compiler makes one load of it.
func word(s string) uint64 {
	_ = s[wordSize-1]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func appendEscaped(b []byte, text string) []byte {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text always encodes
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}
