//gsoap b service name: billing
//gsoap b service style: document
//gsoap b service encoding: literal
//gsoap b service namespace: urn:erp
//gsoap b schema form: unqualified
//gsoap xop schema import: http://www.w3.org/2004/08/xop/include
#import "xop.h"

struct b__document
{
  _xop__Include xop__Include;
};

struct b__getInvoiceResponse
{
  char *number;
  struct b__document pdf;
};

int b__getInvoice(char *number, struct b__getInvoiceResponse *response);
