/* SPDX-License-Identifier: MIT */
/* guard.c - see guard.h. */
#include "guard.h"

#include <string.h>

#include "ip_text.h"

/* ---- Host ---- */

/* Returns whether two names are equal except for upper and lower case of ASCII. */
static bool guard__equals(const char *name, size_t length, const char *other)
{
    if (strlen(other) != length) return false;
    for (size_t i = 0; i < length; i++) {
        char a = name[i], b = other[i];
        if (a >= 'A' && a <= 'Z') a = (char)(a - 'A' + 'a');
        if (b >= 'A' && b <= 'Z') b = (char)(b - 'A' + 'a');
        if (a != b) return false;
    }
    return true;
}

/* Returns the length of the host in "HOST:PORT", "HOST", "[ADDR6]:PORT" or "[ADDR6]"; 0: it has
 * none of these forms. */
static size_t guard__host_length(const char *text)
{
    size_t length = text[0] == '[' ? strcspn(text, "]") : strcspn(text, ":");

    if (text[0] == '[' && text[length++] != ']') return 0;
    const char *port = text + length;
    if (*port == '\0') return length;
    return *port == ':' && strspn(port + 1, "0123456789") == strlen(port + 1) ? length : 0;
}

static bool guard__is_ip(const char *text, size_t length)
{
    uint8_t ip[16];

    if (text[0] == '[') return ip_text_read_v6(text + 1, ip) == text + length - 1;
    return ip_text_read_v4(text, ip) == text + length;
}

static bool guard__host_is_ours(const struct guard *guard, const char *text)
{
    size_t length = guard__host_length(text);

    if (length == 0) return false;
    return guard__is_ip(text, length) || guard__equals(text, length, "localhost") ||
           (guard->host && guard__equals(text, length, guard->host));
}

/* A browser never sends HTTP/1.0, and load balancers that check the health do so without Host. */
static bool guard__check_host(const struct guard *guard, const struct request *request,
                              struct guard_rejection *rejection)
{
    const char *host = request->values[REQUEST_HOST];

    if (!host && request->is_old) return true;
    if (!host) {
        *rejection = (struct guard_rejection){400, "the header line Host is missing", false};
        return false;
    }
    if (guard->is_local || guard__host_is_ours(guard, host)) return true;
    *rejection = (struct guard_rejection){
        421, "this Host is not known here: use the IP address, or allow the name with --admin-host",
        false};
    return false;
}

/* ---- the token ---- */

/* Compares in a time that depends only on the length of `text`. */
static bool guard__is_token(const char *token, const char *text, size_t length)
{
    size_t token_length = strlen(token);
    unsigned difference = (unsigned)(token_length != length);

    for (size_t i = 0; i < length; i++)
        difference |= (unsigned)((uint8_t)text[i] ^ (uint8_t)token[i % token_length]);
    return difference == 0;
}

static int guard__base64_digit(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Decodes base64 (RFC 4648) up to the first other character. Returns the number of bytes. */
static size_t guard__read_base64(const char *text, char *bytes, size_t size)
{
    uint32_t bits = 0;
    unsigned bits_count = 0;
    size_t length = 0;
    int digit;

    for (; (digit = guard__base64_digit(*text)) >= 0; text++) {
        bits = (bits << 6 | (uint32_t)digit) & 0xffffu;
        bits_count += 6;
        if (bits_count < 8) continue;
        bits_count -= 8;
        if (length == size) return 0;
        bytes[length++] = (char)(bits >> bits_count & 0xffu);
    }
    return length;
}

/* "Basic BASE64": any user, with the token as the password. Browsers ask for both. */
static bool guard__is_basic(const char *token, const char *text)
{
    char pair[GUARD_TOKEN_BYTES_MAX + 128];
    size_t length = guard__read_base64(text, pair, sizeof pair);
    const char *colon = length > 0 ? memchr(pair, ':', length) : NULL;

    if (!colon) return false;
    return guard__is_token(token, colon + 1, length - (size_t)(colon + 1 - pair));
}

static bool guard__has_token(const struct guard *guard, const struct request *request)
{
    const char *text = request->values[REQUEST_AUTHORIZATION];
    size_t scheme = text ? strcspn(text, " ") : 0;

    if (!guard->token || !text || text[scheme] == '\0') return false;
    const char *value = text + scheme + strspn(text + scheme, " ");
    if (guard__equals(text, scheme, "bearer"))
        return guard__is_token(guard->token, value, strlen(value));
    return guard__equals(text, scheme, "basic") && guard__is_basic(guard->token, value);
}

/* ---- all of it ---- */

static bool guard__check_post(const struct request *request, struct guard_rejection *rejection)
{
    const char *value = request->values[REQUEST_ADMIN];

    if (request->method != REQUEST_POST || (value && strcmp(value, "1") == 0)) return true;
    *rejection =
        (struct guard_rejection){403, "a POST request needs the header line Weir-Admin: 1", false};
    return false;
}

bool guard_allows(const struct guard *guard, const struct request *request, bool is_open,
                  struct guard_rejection *rejection)
{
    bool has_token = guard__has_token(guard, request);

    if (!has_token && !guard__check_host(guard, request, rejection)) return false;
    if (guard->token && !has_token && !is_open) {
        *rejection =
            (struct guard_rejection){401, "the token of --admin-token-file is missing", true};
        return false;
    }
    return guard__check_post(request, rejection);
}

bool guard_is_loopback(const struct weir_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, six[16] = {[15] = 1};

    if (address->path_bytes > 0 || memcmp(address->ip, six, sizeof six) == 0) return true;
    return memcmp(address->ip, mapped, sizeof mapped) == 0 && address->ip[12] == 127;
}

const char *guard_token_problem(const char *token)
{
    size_t length = strlen(token);

    if (length < GUARD_TOKEN_BYTES_MIN) return "the token is shorter than 16 characters";
    if (length > GUARD_TOKEN_BYTES_MAX) return "the token is longer than 256 characters";
    for (size_t i = 0; i < length; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return "the token has a character that is not visible ASCII";
    return NULL;
}
