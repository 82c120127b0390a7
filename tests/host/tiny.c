/* SPDX-License-Identifier: MIT */
/* A guest in miniature: code, constants, relocated data and zeroes, each in a segment of its own.
 */
void _start(void);

static const char text[] = "tiny";
const char *volatile pointer = text;
char zeroes[8192];

void _start(void)
{
    zeroes[0] = *pointer;
    for (;;)
        ;
}
