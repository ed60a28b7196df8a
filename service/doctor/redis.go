package doctor

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

// checkRedis signs in and says PING, by TLS where that is set: the password is not
// to go over the network in the clear for a check.
func (d *Doctor) checkRedis(ctx context.Context) {
	redis := d.Config.Publish.Redis
	const mend = "check publish.redis: address, username, password and tls. Renewals go on; programs that read Redis get old values"
	answer, err := d.askRedis(ctx, redis)
	switch {
	case err != nil:
		d.fail(outputCheck, fmt.Sprintf("publish.redis %s: %v", redis.Address, err), mend)
	case answer != "+PONG":
		// A Redis that does not know AUTH repeats its arguments.
		told, _, _ := strings.Cut(secret.Hide(answer, redis.Password), ", with args")
		d.fail(outputCheck, fmt.Sprintf("publish.redis %s refuses us: %s", redis.Address, strings.TrimPrefix(told, "-")), mend)
	default:
		d.ok(outputCheck, "publish.redis: %s answers", redis.Address)
	}
}

func (d *Doctor) askRedis(ctx context.Context, redis config.Redis) (answer string, err error) {
	secure, err := d.RedisTLS()
	if err != nil {
		return "", err
	}
	conn, err := dial(ctx, redis.Address, secure)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	lines := bufio.NewReader(conn)
	if password := redis.Password.Reveal(); password != "" {
		words := []string{"AUTH", redis.Username, password}
		if redis.Username == "" {
			words = []string{"AUTH", password}
		}
		if answer, err = say(conn, lines, words...); err != nil || strings.HasPrefix(answer, "-") {
			return answer, err
		}
	}
	return say(conn, lines, "PING")
}

// say sends one command in Redis's own form and reads one line.
func say(conn net.Conn, lines *bufio.Reader, words ...string) (string, error) {
	var command bytes.Buffer
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := conn.Write(command.Bytes()); err != nil {
		return "", err
	}
	line, err := lines.ReadString('\n')
	return strings.TrimSpace(line), err
}
